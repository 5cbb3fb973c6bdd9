"""The whole step of training on XLA, as a TPU wants it: nothing dynamic, no string."""

import keras
import numpy as np
import pytest

import fusionkeras as fk
from fusionkeras.branches import BRANCHES
from fusionkeras.fusion import FUSIONS, get_fusion
from fusionkeras.heads import HEADS
from fusionkeras.objectives import OBJECTIVES

ROWS = 4
HEADS_MADE = {
    "classification": (lambda: fk.ClassificationHead(3), np.array([0, 1, 2, 0])),
    "multilabel": (lambda: fk.MultilabelHead(2), np.array([[0, 1], [1, 1], [0, 0], [1, 0]])),
    "regression": (lambda: fk.RegressionHead(10.0, 2.0), np.array([8.0, 10, 13, 0])),
    "ordinal": (lambda: fk.OrdinalHead(3), np.array([0, 1, 2, 0])),
}


def branch_of(name, shape):
    """A branch that gives all that fusions read, of one dense layer."""
    x = keras.Input(shape, name=name)
    present = keras.ops.any(x != 0, axis=(1, 2))
    sequence = keras.layers.Dense(4)(x)
    outputs = {
        "pooled_output": keras.ops.mean(sequence, axis=1),
        "sequence_output": sequence,
        "padding_mask": keras.ops.any(x != 0, axis=-1),
        "present": present,
    }
    return fk.Branch(name, keras.Model(x, outputs, name=f"{name}_encoder"))


def inputs_of(model):
    """Random values; the first row of the first input is absent."""
    random, inputs = np.random.default_rng(0), {}
    for tensor in model.inputs:
        shape = (ROWS, *tensor.shape[1:])
        if tensor.dtype == "int32":
            inputs[tensor.name] = random.integers(1, 5, shape).astype("int32")
        else:
            inputs[tensor.name] = random.normal(size=shape).astype("float32")
    first = model.inputs[0]
    inputs[first.name][0] = -1 if len(first.shape) == 4 else 0
    return inputs


def step(model, labels=None, **options):
    """Two steps of training, of which all is compiled."""
    fk.compile_model(model, optimizer="sgd", jit_compile=True, **options)
    labels = np.array([0, 1, 0, 1]) if labels is None else labels
    weights = keras.tree.map_structure(lambda _: np.array([1, 2, 1, 0], "float32"), labels)
    data = inputs_of(model), labels, weights
    losses = [model.train_on_batch(*data, return_dict=True)["loss"] for _ in range(2)]
    assert np.isfinite(losses).all()
    return losses


def two_branches():
    return [branch_of("image", (3, 5)), branch_of("text", (2, 6))]


@pytest.mark.slow
@pytest.mark.parametrize("name", FUSIONS)
def test_every_fusion(name):
    options = {"num_layers": 1} if name in ("transformer", "perceiver") else {}
    fusion = get_fusion(name, hidden_dim=4, **options)
    first, second = step(fk.build_classifier(two_branches(), fusion), learning_rate=0.01)
    assert first != second  # it has learnt


@pytest.mark.slow
@pytest.mark.parametrize("name", BRANCHES)
def test_every_branch(name, preset):
    made = {
        "image": lambda: fk.image_branch("small_cnn", image_size=(16, 16)),
        "lstm": lambda: fk.lstm_branch(["red", "blue", "grey"], 3, units=4, word_dropout=0.2),
        "bert": lambda: fk.bert_branch(preset, 4, word_dropout=0.2),
    }
    assert set(made) == set(BRANCHES)
    model = fk.build_classifier([made[name]()], fk.Concat(hidden_dim=4), dropout=0.1)
    if name == "bert":
        fk.enable_lora(model, "text", rank=2, last=1)
    step(model)


@pytest.mark.slow
def test_every_objective_with_modalities_that_are_dropped():
    model = fk.build_classifier(
        two_branches(), fk.Concat(hidden_dim=4), auxiliary=list(OBJECTIVES), modality_dropout=0.3
    )
    step(model)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [None, "focal"])
def test_every_head_and_loss(loss):
    assert set(HEADS_MADE) == set(HEADS)
    heads = {name: make() for name, (make, _) in HEADS_MADE.items()}
    labels = {name: labels for name, (_, labels) in HEADS_MADE.items()}
    model = fk.build_model([branch_of("text", (2, 6))], fk.Concat(hidden_dim=4), heads)
    step(model, labels, loss=loss)


@pytest.mark.slow
def test_accumulation_in_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = fk.build_classifier(two_branches(), fk.Gated(hidden_dim=4))
    finally:
        keras.config.set_dtype_policy(before)
    step(model, gradient_accumulation_steps=2)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
