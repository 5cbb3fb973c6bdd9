"""`fusionkeras serve`: what is wrong before it starts. It runs in `tests/export/server`."""

import socket
import sys

import pytest
import tensorflow as tf

from fusionkeras.cli import main


def test_no_model(tmp_path, capsys):
    assert main(["serve", str(tmp_path / "nowhere")]) == 2
    assert "There is no model to serve here. Expected the folder of an exported model" in (
        capsys.readouterr().err
    )
    (tmp_path / "posts" / "3").mkdir(parents=True)
    assert main(["serve", str(tmp_path / "posts")]) == 2
    assert "There is no model to serve here (SavedModel file does not exist" in (
        capsys.readouterr().err
    )
    (tmp_path / "posts" / "3" / "saved_model.pb").write_bytes(b"")
    assert main(["serve", str(tmp_path / "posts" / "3")]) == 2
    assert f"Pass {str(tmp_path / 'posts')!r}." in capsys.readouterr().err


class Half(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def half(self, x):
        return x / 2


@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
def test_a_port_that_is_taken(tmp_path, option, capsys):
    module = Half()
    tf.saved_model.save(module, str(tmp_path / "halves" / "1"), signatures=module.half)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ports = {"--port": "0", "--grpc-port": "0", option: port}
        assert main(["serve", str(tmp_path / "halves"), *sum(ports.items(), ())]) == 2
    told = capsys.readouterr().err
    assert "The port cannot be listened on (" in told
    assert f"Received: host='127.0.0.1', port={port}." in told


@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
@pytest.mark.parametrize("value", ["-1", "65536", "http"])
def test_no_port(option, value, capsys):
    assert main(["serve", ".", option, value]) == 2
    assert f"'{value}' is no port, a number from 0 to 65535" in capsys.readouterr().err


def test_wrong_limits(capsys):
    assert main(["serve", ".", "--max-batch", "0"]) == 2
    assert "Expected an integer of at least 1. Received: max_batch=0" in capsys.readouterr().err


def test_the_extra_is_missing(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("fusionkeras.export.server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    assert main(["serve", "."]) == 2
    assert "pip install 'fusionkeras[serve]'" in capsys.readouterr().err
