"""Training that goes on where it was broken off, in the middle of an epoch."""

import hashlib
import json
import logging
from pathlib import Path

import keras

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.data.whole import write_whole
from fusionkeras.training.distribution.processes import check_same, is_chief

_LOGGER = logging.getLogger("fusionkeras")
_WHERE = "Use it in fk.fit over what prepare returns."


class Resume(keras.callbacks.Callback):
    """Keeps the state of a training, and goes on from it.

    For `fk.fit` over data of `prepare`. At the end of every epoch and every so many batches one
    file is written: weights, optimizer, the states of random layers, the metrics of the epoch so
    far, and which batch it is. It is written whole or not at all, so that a crash leaves the last
    good one behind. A training that finds the file goes on from there: the rows that were trained
    on are skipped, and the others come in the order in which they would have come, so that (with
    deterministic operations) the weights are those of a training that was never broken off. What
    other callbacks remember in Python (such as the patience of `EarlyStopping`) begins anew. Of
    several processes the first writes and all read, so the folder is to be one that all see.

    Args:
        folder: path of the folder for the file; it is made where it is missing. A finished
            training leaves it too; delete it, or name another, to begin anew.
        every: int, after how many batches the state is kept, besides the end of each epoch. With
            `steps_per_execution` it is kept when the batches that are executed together are done;
            in the middle of an epoch only if its batches are a multiple of them.

    Example:
        >>> import fusionkeras as fk, pandas as pd, tempfile
        >>> table = pd.DataFrame({"text": ["red", "blue"] * 5, "label": ["warm", "cold"] * 5})
        >>> data = fk.read_table(table, {"text": "text"}, label="label", files=())
        >>> branch = fk.lstm_branch(["red", "blue"], sequence_length=2)
        >>> model = fk.compile_classifier(fk.build_classifier([branch]))
        >>> train = fk.prepare(data.train, fk.build_preprocessor([branch]), shuffle=True)
        >>> folder = tempfile.mkdtemp()
        >>> fk.fit(model, train, epochs=1, callbacks=[fk.Resume(folder)], verbose=0).epoch
        [0]
        >>> fk.fit(model, train, epochs=3, callbacks=[fk.Resume(folder)], verbose=0).epoch
        [1, 2]
    """

    def __init__(self, folder, every=1000):
        super().__init__()
        self.every = check_integer("number of batches between two states", every=every)
        self.path = Path(folder) / "training.safetensors"
        self._source, self._spec, self._digests = None, None, {}
        self._found, self._metrics, self._epoch, self._kept = (0, 0), {}, 0, 0

    def follow(self, source, data):
        """Tells it what is trained on; `fk.fit` does.

        Args:
            source: `Source` of the data.
            data: `tf.data.Dataset`, as the model gets it.
        """
        self._source, self._spec, self._digests = source, data.element_spec, {}

    def skipped(self, epoch):
        """How many batches of an epoch were trained on before this training began."""
        return self._found[1] if epoch == self._found[0] else 0

    def batches(self):
        """How many batches an epoch has."""
        return self._source.count_batches()

    def on_train_begin(self, logs=None):
        """Goes on from the state that is kept, if any."""
        self._check()
        check_same(self.path.exists(), "folder of Resume", str(self.path), self.model)
        if self.batches() % self.model.steps_per_execution:
            _LOGGER.warning(
                "The state is kept at the end of epochs only: their %d batches are no multiple of "
                "steps_per_execution=%d.",
                self.batches(),
                self.model.steps_per_execution,
            )
        if self.path.exists():
            self._restore(*_read(self.path))

    def on_epoch_begin(self, epoch, logs=None):
        """Gives the metrics of a broken epoch back, behind Keras' reset."""
        self._epoch, self._kept = epoch, self.skipped(epoch)
        if self.skipped(epoch):
            _assign(self._metrics, self.model.metrics_variables, self.path)

    def on_train_batch_end(self, batch, logs=None):
        """Keeps the state every so many batches; at the end of an epoch that follows anyway."""
        done = self.skipped(self._epoch) + batch + 1
        left = self.batches() - done
        if left <= 0 or left % self.model.steps_per_execution:
            return  # what is left must end with an execution, as Keras counts on whole epochs
        if done // self.every > self._kept // self.every:
            self._keep(self._epoch, done)
            self._kept = done

    def on_epoch_end(self, epoch, logs=None):
        """Keeps the state at the end of an epoch."""
        self._keep(epoch + 1, 0)

    def _check(self):
        if self._source is None:
            raise argument_error(
                "Resume knows no order of rows to go on with", "data of prepare", _WHERE
            )
        if self.params["steps"] != self.batches():
            raise argument_error(
                "Resume counts the batches of whole epochs",
                "no steps_per_epoch",
                steps=self.params["steps"],
            )

    def _keep(self, epoch, batch):
        variables = {"model": self.model.variables, "optimizer": self.model.optimizer.variables}
        if batch:
            variables["metrics"] = self.model.metrics_variables
        tensors = _read_out(variables)  # by every process: metrics are summed over them
        if is_chief(self.model):
            where = {"epoch": epoch, "batch": batch, "order": self._digest(epoch)}
            _write(self.path, tensors, where)

    def _restore(self, tensors, where):
        if where["order"] != self._digest(where["epoch"]):
            raise argument_error(
                "The training that is kept went through other rows, or in another order",
                "the table, split, batch size and seed that it began with",
                "Delete the file to begin anew.",
                file=str(self.path),
            )
        left = self.batches() - where["batch"]
        if where["batch"] and left % self.model.steps_per_execution:
            raise argument_error(
                f"The epoch that was broken off has {left} batches left",
                "steps_per_execution of which they are a multiple",
                steps_per_execution=self.model.steps_per_execution,
            )
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        _assign(tensors.get("model", {}), self.model.variables, self.path)
        _assign(tensors.get("optimizer", {}), self.model.optimizer.variables, self.path)
        self._found, self._metrics = (where["epoch"], where["batch"]), tensors.get("metrics", {})
        if where["batch"]:
            self.model._symbolic_build(data_batch=self._spec)  # or there are no metrics yet
        self.model._initial_epoch = where["epoch"]  # as `BackupAndRestore` does

    def _digest(self, epoch):
        """A hash of the rows of an epoch, in their order, and of the batches they make.

        That of the last epoch is remembered: a state may be kept every few batches.
        """
        if epoch not in self._digests:
            digest = hashlib.sha256(self._source.order.places(epoch).tobytes())
            digest.update(self._source.table.rows.tobytes())
            whole = " whole" if self._source.drop_remainder else ""
            self._digests = {epoch: f"{digest.hexdigest()} by {self._source.batch_size}{whole}"}
        return self._digests[epoch]


def _read_out(groups):
    return {
        f"{group} {number}": keras.ops.convert_to_numpy(variable).copy(order="C")
        for group, variables in groups.items()
        for number, variable in enumerate(variables)
    }


def _write(path, tensors, where):
    """Writes one file, whole or not at all."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"training": json.dumps(where)}
    write_whole(path, lambda file: save_file(tensors, file, about), alone=True, sync=True)


def _read(path):
    """`({group: {number: array}}, where)`."""
    from safetensors import SafetensorError, safe_open

    tensors = {}
    try:
        with safe_open(path, "numpy") as file:
            for key in file.keys():  # noqa: SIM118, it is no dict
                group, number = key.split()
                tensors.setdefault(group, {})[int(number)] = file.get_tensor(key)
            return tensors, json.loads(file.metadata()["training"])
    except (SafetensorError, KeyError, TypeError) as error:
        raise argument_error(
            f"The training that is kept cannot be read ({error})",
            "a file that Resume has written",
            "Delete it to begin anew.",
            file=str(path),
        ) from error


def _assign(tensors, variables, path):
    shapes = [tuple(tensors[number].shape) for number in sorted(tensors)]
    if shapes != [tuple(variable.shape) for variable in variables]:
        raise argument_error(
            "The training that is kept is one of another model",
            "the model, compiled as it was then",
            "Delete the file to begin anew.",
            file=str(path),
        )
    for number, variable in enumerate(variables):
        variable.assign(tensors[number])
