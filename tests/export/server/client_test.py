"""`Client` against real servers, by REST and by gRPC, and its file where nothing else is."""

import shutil
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.export import client as file_of_client
from fusionkeras.export.client_grpc import Grpc

ALONE = """
import sys
for name in ("tensorflow", "keras", "numpy", "fusionkeras"):
    sys.modules[name] = None  # importing it fails
import client
rows = [{"front": "front.png", "text": "a red"}, {"text": "blue"}]
print([answer["label"] for answer in client.Client(sys.argv[1]).predict(rows)])
try:
    client.Client(sys.argv[1], model="toast").predict(rows)
except client.ServingError as error:
    print(error.status)
"""


@pytest.fixture(scope="module")
def servers(exported, serve):
    return {name: serve(exported / name, grpc=True) for name in ("posts", "heads", "price")}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with front.png and broken.jpg."""
    folder = tmp_path_factory.mktemp("pictures")
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), "uint8")
    (folder / "front.png").write_bytes(tf.io.encode_png(pixels).numpy())
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(params=["http", "grpc"])
def ask(request, servers):
    """Makes a client of a model, by REST and by gRPC."""

    def client(name, **options):
        port = servers[name].port if request.param == "http" else servers[name].grpc_port
        return fk.Client(f"{request.param}://127.0.0.1:{port}", model=name, **options)

    return client


def assert_alike(one, other):
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_alike(one[key], other[key])
    elif isinstance(one, float):
        # A last digit of float32 may differ between a row alone and the row among others.
        assert one == pytest.approx(other, rel=1e-6, abs=1e-6)
    else:
        assert one == other


@pytest.mark.slow
def test_what_predict_returns(ask, predict, pictures):
    front = pictures / "front.png"
    rows = [
        {"front": str(front), "back": front, "text": "a red"},
        {"front": front.read_bytes(), "text": "ß\u0000 \U0001f600".encode()},
        {"front": str(pictures / "broken.jpg"), "back": None, "text": "blue"},
        {"text": "a"},
    ]
    expected, client = predict("posts", rows), ask("posts")
    for found in (client.predict(rows), client.predict(tuple(rows), batch_size=3)):
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other)
    assert_alike(client.predict(rows[0]), expected[0])
    assert client.predict([]) == []


@pytest.mark.parametrize("name", ["heads", "price"])
def test_every_task(ask, predict, name):
    rows = [{"text": "a red"}, {"text": "blue"}]
    for one, other in zip(ask(name).predict(rows), predict(name, rows), strict=True):
        assert_alike(one, other)


def test_another_signature_and_a_model_of_others(ask, serve, halves):
    told = ask("price").predict({"any": "x"}, signature="about")
    assert told == {"class_names": [], "files": [], "tasks": [":regression"]}
    with pytest.raises(ValueError, match="Unknown signature. Expected one of .*'about'.*'serving_"):
        ask("price").predict({"text": "x"}, signature="explain")
    client = fk.Client(serve(halves).url)
    row = {"whole": "no number", "truth": "no", "raw": "a"}
    with pytest.raises(fk.ServingError, match="status 400: JSON Value: .* is not of expected type"):
        client.predict(row, signature="types")


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_what_was_used_is_told(serve, used, scheme):
    server = serve(used, grpc=True)
    port = server.port if scheme == "http" else server.grpc_port
    client = fk.Client(f"{scheme}://127.0.0.1:{port}", model="used")
    assert client.predict([{"image": b"x", "text": "a"}, {"text": "b"}]) == [
        {"label": "yes", "probability": 0.75, "probabilities": {"no": 0.25, "yes": 0.75},
         "used": {"image": True, "text": True}},
        {"label": "yes", "probability": 0.75, "probabilities": {"no": 0.25, "yes": 0.75},
         "used": {"image": False, "text": True}},
    ]  # fmt: skip


def test_rows_that_are_wrong(ask):
    client = ask("posts")
    with pytest.raises(ValueError, match="Unknown column 'picture'. Expected at least one of"):
        client.predict({"picture": "x"})
    with pytest.raises(ValueError, match="There is nothing in a row. Expected at least one of"):
        client.predict([{"text": "a"}, {"text": "", "front": None}])
    with pytest.raises(TypeError, match="A row is no dict. Expected {column: value}"):
        client.predict(["a"])
    with pytest.raises(TypeError, match="Wrong value for the column 'text'. Expected a str, bytes"):
        client.predict({"text": 5})
    with pytest.raises(ValueError, match="Wrong batch size. Expected at least 1. Received: b"):
        client.predict({"text": "a"}, batch_size=0)
    with pytest.raises(FileNotFoundError):
        client.predict({"front": "nowhere.png"})


def test_addresses_and_names(servers):
    with pytest.raises(ValueError, match="Wrong address. Expected http://, https:// or grpc://"):
        fk.Client("127.0.0.1:8501")
    with pytest.raises(fk.ServingError, match="status 404: Servable not found") as caught:
        fk.Client(servers["price"].url, model="toast/ß").predict({"text": "a"})
    assert caught.value.status == 404
    assert caught.value.message == "Servable not found for request: Latest(toast/ß)"
    assert "value" in fk.Client(servers["price"].url + "/").predict({"text": "a"})
    address = f"grpc://127.0.0.1:{servers['price'].grpc_port}"
    with pytest.raises(ValueError, match="Which model is unknown. Expected model=, its name."):
        fk.Client(address).predict({"text": "a"})
    with pytest.raises(fk.ServingError, match="status NOT_FOUND: Servable not found"):
        fk.Client(address, model="toast").predict({"text": "a"})
    with pytest.raises(ValueError, match="Which model is unknown. Expected model=, .* not tell it"):
        fk.Client(servers["price"].url + "/v1").predict({"text": "a"})


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_that_is_not_there(scheme):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        # It is listened on and never answered.
        client = fk.Client(f"{scheme}://127.0.0.1:{port}", model="posts", timeout=0.3)
        with pytest.raises(TimeoutError, match="The time is over. Expected an answer within 0.3 s"):
            client.predict({"text": "a"})
    client = fk.Client(f"{scheme}://127.0.0.1:{port}", model="posts", retries=1)
    kind, message = {
        "http": (
            ConnectionError,
            r"Nobody answers \(.*refused\). Expected a model server. Receiv",
        ),
        "grpc": (fk.ServingError, "status UNAVAILABLE: .*refused"),
    }[scheme]
    with pytest.raises(kind, match=message):
        client.predict({"text": "a"})


def test_a_server_that_comes_late_and_is_busy(exported, serve):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    start = threading.Timer(0.5, serve, [exported / "price"], {"port": port, "busy": 2})
    start.start()
    client = fk.Client(f"http://127.0.0.1:{port}", model="price", retries=50)
    assert "value" in client.predict({"text": "a"})
    start.join()


def test_a_busy_server_is_given_up(exported, serve):
    server = serve(exported / "price", busy=3)
    client = fk.Client(server.url, retries=2)
    with pytest.raises(fk.ServingError, match="with status 503: The queue is full"):
        client.predict({"text": "a"})
    assert "value" in client.predict({"text": "a"})
    late = fk.Client(serve(exported / "price", busy=50).url, timeout=0.2, retries=50)
    begun = time.monotonic()
    with pytest.raises(fk.ServingError, match="with status 503: The queue is full"):
        late.predict({"text": "a"})
    assert time.monotonic() - begun < 10


def test_more_than_a_server_takes(exported, serve):
    server = serve(exported / "price", max_body=2**20, grpc=True)
    client = fk.Client(server.url, retries=0)
    with pytest.raises(fk.ServingError, match="status 413: The request is of more than 1048576"):
        client.predict({"text": "a" * 10_000_000})
    rows = [{"text": f"red {'a' * 400_000}"}, {"text": "blue " * 80_000}, {"text": "blue"}]
    expected = [client.predict(row) for row in rows]
    for one, two in zip(client.predict(rows), expected, strict=True):  # in two requests
        assert_alike(one, two)
    other = fk.Client(f"grpc://127.0.0.1:{server.grpc_port}", model="price", retries=0)
    for one, two in zip(other.predict(rows), expected, strict=True):
        assert_alike(one, two)
    with pytest.raises(fk.ServingError, match="status RESOURCE_EXHAUSTED: .*larger than max"):
        other.predict([{"text": "a" * 10_000_000}] * 2)


def test_a_version_that_goes_takes_its_class_names_along(exported, serve, tmp_path):
    folder = tmp_path / "posts"
    shutil.copytree(exported / "price", folder)
    server = serve(folder, grpc=True)
    clients = [
        fk.Client(server.url, model="posts"),
        fk.Client(f"grpc://127.0.0.1:{server.grpc_port}", model="posts"),
    ]
    for client in clients:
        assert "value" in client.predict({"text": "red"})
    shutil.copytree(exported / "heads" / "1", tmp_path / "2")
    (tmp_path / "2").rename(folder / "2")
    end = time.monotonic() + 60
    while "value" in clients[0].predict({"text": "red"}):  # not one is lost
        assert time.monotonic() < end
    assert "stars" in clients[1].predict({"text": "red"})


def test_the_file_alone(servers, predict, pictures, tmp_path):
    shutil.copy(file_of_client.__file__, tmp_path / "client.py")
    shutil.copy(pictures / "front.png", tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", ALONE, servers["posts"].url],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env={"PYTHONPATH": "", "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [{"front": tmp_path / "front.png", "text": "a red"}, {"text": "blue"}]
    expected = [row["label"] for row in predict("posts", rows)]
    assert done.stdout.splitlines() == [str(expected), "404"]


def test_grpc_needs_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(ImportError, match=r"pip install 'fusionkeras\[serve\]'"):
        Grpc("127.0.0.1:8500")
