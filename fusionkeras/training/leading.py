"""Callbacks that see to it that every epoch of a training goes through its own order of rows."""

import contextlib

import keras

from fusionkeras.training.resume import Resume


@contextlib.contextmanager
def led(source, data, callbacks):
    """While it lasts, the data of a source follow the epochs of a training.

    Args:
        source: `Source`; or None for other data, which are left alone.
        data: `tf.data.Dataset`, as the model gets it.
        callbacks: list of callbacks, possibly with one `Resume`.

    Yields:
        The callbacks that the training needs.
    """
    if source is None:
        yield callbacks
        return
    resume = next((one for one in callbacks if isinstance(one, Resume)), None)
    if resume is not None:
        resume.follow(source, data)
    lead = _Lead(source, resume)
    with source.order.led():
        yield [lead, *callbacks, _Cut(lead)]


class _Lead(keras.callbacks.Callback):
    """Names the epoch, before all other callbacks."""

    def __init__(self, source, resume):
        super().__init__()
        self.source, self.resume = source, resume
        self.left, self.was_cut = None, False

    def on_epoch_begin(self, epoch, logs=None):
        """The data of the epoch are read from here on."""
        skipped = 0 if self.resume is None else self.resume.skipped(epoch)
        self.source.order.lead(epoch, skipped * self.source.batch_size)
        self.left = self.resume.batches() - skipped if skipped else None

    def on_epoch_end(self, epoch, logs=None):
        """The next epoch is to come."""
        if self.was_cut:
            self.model.stop_training = self.was_cut = False


class _Cut(keras.callbacks.Callback):
    """Ends an epoch of which only the rest was left: Keras counts on whole ones."""

    def __init__(self, lead):
        super().__init__()
        self.lead = lead

    def on_train_batch_end(self, batch, logs=None):
        """Breaks the epoch off, unless another callback breaks off the training."""
        if batch + 1 == self.lead.left and not self.model.stop_training:
            self.model.stop_training = self.lead.was_cut = True
