"""What a model attends to."""

import keras

from fusionkeras._checks import argument_error
from fusionkeras.fusion import Fusion


def attention_model(model):
    """Builds a model of the same layers that tells what the fusion attends to.

    Args:
        model: a model of `build_classifier` whose fusion attends: `CrossAttention`,
            `TransformerFusion`, `Bottleneck`, `Perceiver`; or weighs, as `Gated` does.

    Returns:
        A functional `keras.Model` from the inputs of `model` to a dict of weights by name, such as
        `{"text_to_image": (batch, heads, words, regions)}`; the fusion's docstring tells which.

    Raises:
        ValueError: when the model has no fusion, or one that does not attend.

    Example:
        >>> from fusionkeras.branches import image_branch, lstm_branch
        >>> from fusionkeras.models import build_classifier
        >>> picture = image_branch("small_cnn", image_size=(32, 32))
        >>> text = lstm_branch(["red", "circle"], sequence_length=8)
        >>> model = build_classifier([picture, text], fusion="gated")
        >>> {name: weights.shape for name, weights in attention_model(model).output.items()}
        {'image': (None, 128), 'text': (None, 128)}
    """
    fusions = [layer for layer in getattr(model, "layers", ()) if isinstance(layer, Fusion)]
    if len(fusions) != 1:
        inner = [layer.name for layer in getattr(model, "layers", ()) if hasattr(layer, "layers")]
        raise argument_error(
            f"The model has {len(fusions)} fusions",
            "a model of build_classifier with one of fusionkeras' fusions",
            f"It may be one of {inner}, which model.get_layer(name) gives." if inner else "",
            model=model,
        )
    (fusion,) = fusions
    nodes = [node for depth in model._nodes_by_depth.values() for node in depth]
    (node,) = [node for node in nodes if node.operation is fusion]
    try:
        attention = Attention(fusion, name="attention")(*node.arguments.args)
    except ValueError as error:  # Keras has buried what the fusion said of itself
        raise argument_error(
            f"{type(fusion).__name__} does not attend to anything",
            "a fusion that attends or weighs, such as CrossAttention or Gated",
            fusion=fusion,
        ) from error
    return keras.Model(model.inputs, attention, name="attention")


class Attention(keras.layers.Layer):
    """A fusion's attention: a layer of its own, since Keras wants all calls of one to be alike."""

    def __init__(self, fusion, **kwargs):
        super().__init__(**{"dtype": fusion.dtype_policy, **kwargs})
        self.fusion = fusion
        self.supports_masking = True
        self.built = True

    def call(self, features):
        """The weights by name."""
        return self.fusion(features, return_attention=True)[1]
