"""The same fusions on the JAX backend, in a process of its own."""

import os
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest

from fusionkeras.fusion import FUSIONS, get_fusion

pytest.importorskip("jax", reason="the JAX backend is not installed: pip install jax")

OTHER = """
import pickle, sys
import keras, numpy as np
from fusionkeras.fusion import ModalityDropout, get_fusion
assert keras.backend.backend() == "jax"
given = pickle.load(open(sys.argv[1], "rb"))
for name, (weights, expected) in given["fusions"].items():
    layer = get_fusion(name, hidden_dim=8)
    layer(given["features"])
    layer.set_weights(weights)
    found = keras.tree.flatten(layer(given["features"]))
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5, err_msg=name)
inputs = keras.tree.map_structure(
    lambda x: keras.Input(x.shape[1:], dtype=str(x.dtype)), given["features"]
)
fused = get_fusion("transformer", hidden_dim=8)(ModalityDropout(0.5)(inputs))
model = keras.Model(inputs, keras.layers.Dense(1)(fused))
model.compile("adam", "mse")
history = model.fit(given["features"], np.ones(4), epochs=2, verbose=0).history["loss"]
assert np.isfinite(history).all()
print("same")
"""


@pytest.mark.slow
def test_jax_gives_the_same(tmp_path):
    random = np.random.default_rng(0)
    features = {
        name: {
            "pooled_output": random.normal(size=(4, width)).astype("float32"),
            "sequence_output": random.normal(size=(4, steps, width)).astype("float32"),
            "padding_mask": (np.arange(steps) < steps - 1) & there[:, None],
            "present": there,
        }
        for name, width, steps, there in [
            ("image", 7, 4, np.array([True, True, False, False])),
            ("text", 5, 3, np.array([True, False, True, False])),
        ]
    }
    fusions = {}
    for name in FUSIONS:
        layer = get_fusion(name, hidden_dim=8)
        layer(features)
        found = [np.asarray(value) for value in keras.tree.flatten(layer(features))]
        fusions[name] = (layer.get_weights(), found)
    path = tmp_path / "given"
    path.write_bytes(pickle.dumps({"features": features, "fusions": fusions}))
    done = subprocess.run(
        [sys.executable, "-c", OTHER, str(path)],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip().endswith("same"), done.stderr[-3000:]
