"""Pictures: backbones of `keras.applications`, and a small network learnt from scratch."""

import math
import os
import warnings

import keras
from keras import ops

from fusionkeras._checks import argument_error, check_choice, check_image_size
from fusionkeras.branches.augment import augmented
from fusionkeras.branches.base import Branch, grid_mask
from fusionkeras.branches.small_cnn import small_cnn
from fusionkeras.preprocessing.image import ABSENT_PIXEL, DecodeImage


def image_branch(
    encoder="resnet50",
    weights="imagenet",
    image_size=(224, 224),
    trainable=False,
    name="image",
    column=None,
    augment=None,
):
    """A branch that reads pictures.

    `pooled_output` is the mean over the backbone's last grid, `sequence_output` its cells, row
    by row. The encoder's first layers do the backbone's own normalisation of pixels. A backbone
    that is not `trainable` runs in inference mode, BatchNorm and dropout included.

    Args:
        encoder: str, one of `IMAGE_ENCODERS`; `small_cnn` is always learnt from scratch.
        weights: `"imagenet"` (fetched by Keras), None (random), or the path of a file that
            `save_weights` of the same `keras.applications` model (`include_top=False`) wrote.
        image_size: `(height, width)` in pixels.
        trainable: bool, whether the backbone learns; `small_cnn` does whatever this says.
        name: str, the name of the branch and of its input.
        column: str, the raw column with encoded pictures; by default `name`.
        augment: None; "light": moved, zoomed and lit a little otherwise; or a list of Keras layers
            such as `keras.layers.RandAugment()`. In training only. A frozen encoder then has to
            run in every epoch, unless `fit(views=K)` keeps K views of each picture. What a text
            may speak of is for you to leave alone: mirroring, rotation, colours.

    Returns:
        A `Branch` with the input `<name>`: float32 `(batch, height, width, 3)`, RGB in [0, 255],
        `-1` everywhere in an absent picture.

    Raises:
        ValueError: for an unknown encoder, or weights that cannot be had or do not fit, or wrong
            layers in `augment`.

    Example:
        >>> branch = image_branch("mobilenet_v2", weights=None, image_size=(64, 64))
        >>> branch.encoder.output["sequence_output"].shape
        (None, 4, 1280)
    """
    check_choice("image encoder", IMAGE_ENCODERS, encoder=encoder)
    size = check_image_size(image_size)
    pixels = keras.Input((*size, 3), name=name, dtype="float32")
    grid = IMAGE_ENCODERS[encoder](augmented(pixels, augment), weights)
    model = keras.Model(pixels, _features(pixels, grid), name=f"{name}_encoder")
    model.trainable = trainable or encoder == "small_cnn"
    return Branch(name, model, DecodeImage(size, column=column or name, output=name))


def _features(pixels, grid):
    present = ops.any(pixels > ABSENT_PIXEL / 2, axis=(1, 2, 3))
    cells = grid.shape[1] * grid.shape[2]
    return {
        "pooled_output": keras.layers.GlobalAveragePooling2D(name="pooled")(grid),
        "sequence_output": keras.layers.Reshape((cells, grid.shape[3]), name="cells")(grid),
        "padding_mask": grid_mask(present, cells),
        "present": present,
    }


def _resnet50(pixels, weights):
    return _pretrained(keras.applications.ResNet50, weights, _bgr_centred(pixels))


def _vgg16(pixels, weights):
    return _pretrained(keras.applications.VGG16, weights, _bgr_centred(pixels))


def _mobilenet_v2(pixels, weights):
    centred = keras.layers.Rescaling(1 / 127.5, offset=-1, name="normalise")(pixels)
    return _pretrained(keras.applications.MobileNetV2, weights, centred)


def _efficientnet_b0(pixels, weights):
    if weights not in (None, "imagenet"):
        pixels = _as_with_imagenet(pixels)
    return _pretrained(keras.applications.EfficientNetB0, weights, pixels)


def _small_cnn(pixels, weights):
    if weights not in (None, "imagenet"):
        raise argument_error("small_cnn is learnt from scratch", "weights=None", weights=weights)
    return small_cnn(keras.layers.Rescaling(1 / 127.5, offset=-1, name="normalise")(pixels))


IMAGE_ENCODERS = {
    "resnet50": _resnet50,
    "vgg16": _vgg16,
    "mobilenet_v2": _mobilenet_v2,
    "efficientnet_b0": _efficientnet_b0,
    "small_cnn": _small_cnn,
}


def _bgr_centred(pixels):
    """The normalisation of ResNet50 and VGG16: blue, green, red, less the mean of ImageNet."""
    mean = [-103.939, -116.779, -123.68]
    return keras.layers.Rescaling(1.0, offset=mean, name="normalise")(ops.flip(pixels, axis=-1))


def _as_with_imagenet(pixels):
    """Undoes a difference of `keras.applications.EfficientNetB0` between its kinds of weights.

    With `weights="imagenet"` it divides the normalised pixels by `sqrt(std)` once more; a model
    built to be filled from a file lacks that layer. It is linear, so it can stand in front.
    """
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    scale = [1 / math.sqrt(std) for std in deviation]
    offset = [255 * m * (1 - s) for m, s in zip(mean, scale, strict=True)]
    return keras.layers.Rescaling(scale, offset=offset, name="normalise")(pixels)


def _pretrained(application, weights, pixels):
    """Runs a backbone of `keras.applications`, filled with `weights`, over normalised pixels."""
    from_file = weights not in (None, "imagenet")
    if from_file and not os.path.isfile(weights):
        raise argument_error(
            "There is no file with these weights",
            "'imagenet', None or the path of a file",
            weights=weights,
        )
    backbone = _build(application, None if from_file else weights, pixels.shape[1:])
    _remove_dropout(backbone)
    if from_file:
        _load(backbone, weights)
    return backbone(pixels)


def _build(application, weights, input_shape):
    try:
        return application(include_top=False, weights=weights, input_shape=input_shape)
    except ValueError as error:
        raise argument_error(
            f"{application.__name__} cannot be built for this image size ({error})",
            "a larger picture",
            image_size=input_shape[:2],
        ) from error
    except Exception as error:  # keras.utils.get_file raises no narrower type
        raise argument_error(
            f"The ImageNet weights of {application.__name__} could not be fetched ({error})",
            "a network, or the weights in Keras' own cache folder",
            "Pass weights=<path of a file> or weights=None.",
            weights=weights,
        ) from error


def _load(backbone, path):
    try:
        with warnings.catch_warnings():
            # Keras only warns where a file lacks layers, and leaves those as they were: random.
            warnings.filterwarnings("error", message="Skipping nested container")
            backbone.load_weights(path)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise argument_error(
            f"The weights do not fit {backbone.name} ({error})",
            "a file that save_weights of the same keras.applications model wrote",
            weights=path,
        ) from error


def _remove_dropout(backbone):
    """Makes the backbone deterministic: `trainable=False` stops no dropout (EfficientNet has)."""
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
