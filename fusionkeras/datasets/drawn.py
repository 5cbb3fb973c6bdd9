"""Drawn shapes with statements about them: neither the picture nor the text tells the label."""

import csv
import pathlib

import numpy as np
import tensorflow as tf

from fusionkeras._checks import check_integer

COLOURS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 80, 230)}
SHAPES = ("circle", "cross", "triangle")
STATEMENTS = {
    "colour": ("the shape is {}", "something {} is here", "this one is painted {}"),
    "shape": ("this is a {}", "a {} is drawn here", "the figure is a {}"),
}


def draw_statements(folder, rows=1200, seed=0, image_size=(32, 32)):
    """Draws pictures of one coloured shape, each with a statement that is right or wrong.

    A statement names a colour or a shape. Half of the statements are right whatever the picture
    and whatever the words, so a model that reads only one of them can only guess.

    Args:
        folder: str or path, where `statements.csv` and `images/` are written.
        rows: int, the number of rows.
        seed: int; the same seed draws the same.
        image_size: `(height, width)` in pixels.

    Returns:
        `pathlib.Path` of the table, with the columns `image` (a path relative to the table),
        `text` and `label` (`right` or `wrong`).

    Example:
        >>> import tempfile
        >>> table = draw_statements(tempfile.mkdtemp(), rows=2)
        >>> table.read_text().splitlines()[0]
        'image,text,label'
    """
    check_integer("number of rows", rows=rows)
    folder = pathlib.Path(folder)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    table = folder / "statements.csv"
    random = np.random.default_rng(seed)
    with open(table, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "text", "label"])
        for row in range(rows):
            pixels, text, label = _draw_row(random, image_size)
            name = f"images/{row:05d}.png"
            tf.io.write_file(str(folder / name), tf.io.encode_png(pixels))
            writer.writerow([name, text, label])
    return table


def _draw_row(random, image_size):
    truth = {"colour": random.choice(list(COLOURS)), "shape": random.choice(SHAPES)}
    asked = random.choice(list(STATEMENTS))
    label = random.choice(["right", "wrong"])
    values = list(COLOURS) if asked == "colour" else list(SHAPES)
    others = [value for value in values if value != truth[asked]]
    said = truth[asked] if label == "right" else random.choice(others)
    text = random.choice(STATEMENTS[asked]).format(said)
    return _draw(random, truth, image_size), text, label


def _draw(random, truth, image_size):
    """Draws the shape somewhere on a noisy grey ground: uint8 `(height, width, 3)`."""
    height, width = image_size
    radius = random.uniform(0.3, 0.42) * min(height, width)
    y, x = np.mgrid[:height, :width]
    dy = y - random.uniform(radius, height - 1 - radius)
    dx = x - random.uniform(radius, width - 1 - radius)
    inside = {
        "circle": dx**2 + dy**2 <= radius**2,
        "cross": (np.maximum(abs(dx), abs(dy)) <= radius)
        & (np.minimum(abs(dx), abs(dy)) <= radius / 3),
        "triangle": (dy <= radius) & (abs(dx) <= (dy + radius) / 2),
    }[truth["shape"]]
    pixels = np.full((height, width, 3), random.uniform(90, 200))
    pixels[inside] = COLOURS[truth["colour"]]
    return np.clip(pixels + random.normal(0, 8, pixels.shape), 0, 255).astype("uint8")
