"""What goes beside tensors: masks, made tensors and back, and calls made for their effects."""

import keras
from keras.src import backend


@keras.saving.register_keras_serializable("fusionkeras")
class Beside(keras.layers.Layer):
    """Gives its first tensor; the others are computed for what else that does."""

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})
        self.supports_masking = True
        self.built = True

    def call(self, inputs):
        """The first tensor."""
        return inputs[0]

    def compute_output_spec(self, inputs):
        """What the first tensor is."""
        return keras.KerasTensor(inputs[0].shape, inputs[0].dtype)

    def compute_mask(self, inputs, mask=None):
        """The mask of the first tensor."""
        return mask[0] if mask else None


@keras.saving.register_keras_serializable("fusionkeras")
class AttachMask(Beside):
    """Gives its first tensor, with the second as the mask that Keras hands on beside it."""

    def call(self, inputs):
        """Sets the mask."""
        tensor, mask = inputs
        backend.set_keras_mask(tensor, mask)
        return tensor

    def compute_mask(self, inputs, mask=None):
        """The second tensor."""
        return inputs[1]


@keras.saving.register_keras_serializable("fusionkeras")
class ReadMask(keras.layers.Layer):
    """Gives the mask that Keras hands on beside a tensor, as a tensor.

    Args:
        mask_shape: tuple, the shape of the mask without the batch.
        mask_dtype: str.
    """

    def __init__(self, mask_shape, mask_dtype="bool", **kwargs):
        super().__init__(**{**kwargs, "autocast": False})
        self.mask_shape, self.mask_dtype = mask_shape, mask_dtype
        self.supports_masking = True
        self.built = True

    def call(self, inputs, mask=None):
        """The mask."""
        return mask

    def compute_output_spec(self, inputs, mask=None):
        """Its shape and dtype."""
        return keras.KerasTensor((inputs.shape[0], *self.mask_shape), self.mask_dtype)

    def compute_mask(self, inputs, mask=None):
        """None: what comes out is no sequence."""
        return None

    def get_config(self):
        """The constructor's arguments."""
        own = {"mask_shape": self.mask_shape, "mask_dtype": self.mask_dtype}
        return {**super().get_config(), **own}
