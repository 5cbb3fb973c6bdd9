"""Large photos through tf.data: `decode_images` beside `decode_image` and a plain resize.

    python tests/benchmarks/bench_pipeline.py [--photos 200] [--quality 90] [--repeats 3]

Run by hand, on a machine that does nothing else. 8 drawn photos of 4000x3000 are written to a
temporary folder as JPEGs, copied until there are enough, and read anew in every
repetition (from the system's cache, as a rule). Both ways have the same files, batches of 32 and
the same parallelism; the best repetition of each counts, by the clock and by the seconds of all
cores together (`cpu`), which other programs disturb less. The error is the mean absolute difference
from the truth, in grey levels: decoded in full with accurate cosines, resized with antialiasing.

The time of a JPEG of N bytes has a part that no decoder can skip, that of undoing the Huffman code.
The more bytes, the lower the ratio: `--quality` shows it.
"""

import argparse
import pathlib
import shutil
import tempfile
import time

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

from fusionkeras.preprocessing.image import decode_images

SIZE, TARGET, BATCH_SIZE, DISTINCT = (4000, 3000), (224, 224), 32, 8


def main():
    arguments = read_arguments()
    with tempfile.TemporaryDirectory() as folder:
        files = write_photos(pathlib.Path(folder), arguments.photos, arguments.quality)
        megabytes = np.mean([pathlib.Path(file).stat().st_size for file in files]) / 1e6
        print(f"{len(files)} JPEGs of 4000x3000, {megabytes:.1f} MB each, to 224x224")
        ways = {"decode_image + tf.image.resize": plain(files), "decode_images": ours(files)}
        seconds = {name: [] for name in ways}
        for _ in range(arguments.repeats):
            for name, batches in ways.items():
                seconds[name].append(seconds_of(batches))
        best = {name: np.min(values, axis=0) for name, values in seconds.items()}
        truth = [full_and_antialiased(file) for file in files[:DISTINCT]]
        for name, batches in ways.items():
            error = np.abs(next(iter(batches)).numpy()[:DISTINCT] - truth).mean()
            clock, cpu = best[name]
            print(f"{name:30s} {clock:6.2f} s, cpu {cpu:6.2f} s, error {error:.2f} grey levels")
        clock, cpu = best["decode_image + tf.image.resize"] / best["decode_images"]
        print(f"ratio {clock:.2f}, cpu {cpu:.2f}")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--quality", type=int, default=90, help="of the JPEGs, 1 to 95")
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


def write_photos(folder, count, quality):
    files = [str(folder / f"{place}.jpg") for place in range(count)]
    for place, file in enumerate(files):
        if place < DISTINCT:
            draw_photo(place).save(file, quality=quality)
        else:
            shutil.copyfile(files[place % DISTINCT], file)
    return files


def draw_photo(seed):
    """Noise of every scale from 4 to 2048 pixels, as in photos; sharp shapes and text; grain."""
    random = np.random.default_rng(seed)
    pixels = np.full((SIZE[1], SIZE[0], 3), 128, "float32")
    for scale in 2 ** np.arange(2, 12):
        coarse = random.normal(size=(SIZE[1] // scale + 3, SIZE[0] // scale + 3)).astype("float32")
        smooth = Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC)
        pixels += 2 * scale**0.4 * np.asarray(smooth)[..., None] * random.uniform(0.6, 1.4, 3)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype("uint8"))
    pen = ImageDraw.Draw(image)
    for _ in range(60):
        x, y, width = random.integers(0, [*SIZE, 400])
        color = tuple(random.integers(0, 256, 3).tolist())
        pen.ellipse([x, y, x + width, y + width], fill=color)
        pen.line([y, x, y + 2 * width, x - width], fill=color, width=int(1 + width // 40))
        pen.text((x, y), "sharp edges, small words", fill=color, font_size=int(20 + width // 4))
    grain = random.normal(0, 2, (SIZE[1], SIZE[0], 3))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype("uint8"))


def plain(files):
    def read(file):
        pixels = tf.io.decode_image(tf.io.read_file(file), channels=3, expand_animations=False)
        return tf.image.resize(pixels, TARGET)

    return on_all_cores(dataset_of(files).map(read, tf.data.AUTOTUNE).batch(BATCH_SIZE))


def ours(files):
    def read(batch):
        contents = tf.map_fn(tf.io.read_file, batch)
        return decode_images(contents, TARGET)[0]

    return on_all_cores(dataset_of(files).batch(BATCH_SIZE).map(read, tf.data.AUTOTUNE))


def dataset_of(files):
    return tf.data.Dataset.from_tensor_slices(files)


def on_all_cores(batches):
    options = tf.data.Options()
    options.autotune.enabled = False  # as in `prepare`: AUTOTUNE then means all cores
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def seconds_of(batches):
    start = time.perf_counter(), time.process_time()
    for _ in batches:
        pass
    return time.perf_counter() - start[0], time.process_time() - start[1]


def full_and_antialiased(file):
    pixels = tf.io.decode_jpeg(tf.io.read_file(file), channels=3, dct_method="INTEGER_ACCURATE")
    return tf.image.resize(pixels, TARGET, antialias=True).numpy()


if __name__ == "__main__":
    main()
