"""Versions that come and go, under load; what is broken; what hangs; the end."""

import concurrent.futures
import http.client
import importlib.util
import json
import pathlib
import re
import shutil
import signal
import time

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

BENCH = pathlib.Path(__file__).parents[2] / "benchmarks" / "bench_serve.py"
PREDICT = "/v1/models/halves:predict"
TIMEOUT = 6


@pytest.fixture(scope="module")
def server(start, halves):
    return start(halves, "--timeout", str(TIMEOUT), "--max-batch", "32")


def states(server):
    _, told = server.ask("/v1/models/halves")
    return {version["version"]: version["state"] for version in told["model_version_status"]}


def available(server):
    return {version for version, state in states(server).items() if state == "AVAILABLE"}


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def passes(server):
    _, page = server.ask("/monitoring/prometheus/metrics")
    return int(float(re.search(rb"runtime_latency_count{.*} (\S+)", page)[1]))


@pytest.mark.slow
def test_every_type_in_and_out(server):
    body = {
        "signature_name": "types",
        "instances": [
            {"whole": [1, -2], "truth": True, "raw": {"b64": "aGVsbG8="}},
            {"whole": [2**31 - 2, 0], "truth": False, "raw": "é"},
        ],
    }
    status, answer = server.ask(PREDICT, body)
    first, second = answer["predictions"]
    assert status == 200 and list(first) == ["long", "odd", "raw", "raw_bytes", "truth", "whole"]
    assert first["odd"] != first["odd"] and second["odd"] == float("-inf")  # NaN is not itself
    assert (first["raw"], first["raw_bytes"]) == ("hello", {"b64": "aGVsbG8="})
    assert (second["raw"], second["raw_bytes"]) == ("é", {"b64": "w6k="})
    assert (second["truth"], second["whole"], second["long"]) == (
        True,
        [2**31 - 1, 1],
        [2**31 - 2, 0],
    )


def test_one_input_and_one_output_need_no_names(server):
    for body in ({"instances": [1, 2.5]}, {"instances": [{"x": 1}, {"x": 2.5}]}):
        assert server.ask(PREDICT, body) == (200, {"predictions": [1.5, 2.25]})
    for body in ({"inputs": [1, 2.5]}, {"inputs": {"x": [1, 2.5]}}):
        assert server.ask(PREDICT, body) == (200, {"outputs": [1.5, 2.25]})
    many = list(range(100))  # in four parts
    assert server.ask(PREDICT, {"inputs": many})[1]["outputs"] == [x / 2 + 1 for x in many]
    assert server.ask(PREDICT, {"inputs": []}) == (200, {"outputs": []})
    status, error = server.error(PREDICT, {"inputs": 1})
    assert status == 400 and "Expects x to be of shape (None,) but () is provided" in error


@pytest.mark.slow
def test_what_takes_no_inputs_is_not_asked_by_rest(server):
    body = {"signature_name": "nothing", "inputs": {}}
    message = "Failed to get input map for signature: nothing"
    assert server.error(PREDICT, body) == (400, message)


def test_what_waits_runs_together_and_none_harms_another(server):
    """A forward pass that hangs is broken off; what waited meanwhile is batches."""
    values = [*range(8), -1]
    typed = {"whole": [1, 2], "truth": True, "raw": "a"}
    with concurrent.futures.ThreadPoolExecutor(20) as clients:
        hang = clients.submit(server.ask, PREDICT, {"signature_name": "hang", "inputs": ["a"]})
        time.sleep(TIMEOUT / 2)
        before = passes(server)
        halved = [clients.submit(server.ask, PREDICT, {"inputs": [x]}) for x in values]
        body = {"signature_name": "types", "instances": [typed]}
        types = [clients.submit(server.ask, PREDICT, body) for _ in range(8)]
        status, told = hang.result()
    assert status == 504 and "error" in told
    for x, answer in zip(values[:8], halved, strict=False):
        assert answer.result() == (200, {"outputs": [x / 2 + 1]})
    status, told = halved[8].result()
    assert status == 400 and "assertion failed" in told["error"]
    assert [answer.result()[0] for answer in types] == [200] * 8
    # What hung, the eight typed ones at once, the halved ones at once in vain, then one by one.
    assert passes(server) - before <= 1 + 1 + 1 + 9 + 3  # some may come late on a busy machine


@pytest.mark.slow
def test_a_body_that_comes_too_slowly(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", PREDICT)
    connection.putheader("Content-Length", "100")
    connection.endheaders(b"{")
    answer = connection.getresponse()
    assert answer.status == 408 and "too slowly" in json.loads(answer.read())["error"]
    connection.close()


@pytest.mark.slow
def test_load_with_swaps_loses_nothing(server, halves, save_halves):
    spec = importlib.util.spec_from_file_location("bench_serve", BENCH)
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)

    def checked(x):
        body = json.dumps({"instances": [x, x + 1]}).encode()
        known = [{"predictions": [x / 2 + v, (x + 1) / 2 + v]} for v in (1, 2, 3, 4)]
        return body, lambda answer: answer in known

    def swap():
        for version in (2, 3, 4):
            save_halves(halves, version)
            wait_until(lambda version=version: states(server).get(str(version)) == "AVAILABLE")
            wait_until(lambda version=version: states(server)[str(version - 1)] == "END")

    load = bench.Load(server.port, PREDICT, [checked(x) for x in range(20)], share=0.2)
    load.run(clients=4, seconds=10, meanwhile=swap)
    assert load.faults == []
    assert load.answers > 50 and load.refusals > 5
    assert states(server) == {"1": "END", "2": "END", "3": "END", "4": "AVAILABLE"}
    assert server.error("/v1/models/halves/versions/3:predict", {"inputs": [1]})[0] == 404
    assert server.ask(PREDICT, {"inputs": [2]}) == (200, {"outputs": [5]})


@pytest.fixture
def copy_newest(halves):
    """Copies the newest version to its place as the next, changed on the way; gives its number."""

    def copied(change):
        newest = max(int(path.name) for path in halves.iterdir() if path.name.isdecimal())
        shutil.copytree(halves / str(newest), halves / ".next")
        change(halves / ".next")
        (halves / ".next").rename(halves / str(newest + 1))
        return str(newest + 1)

    return copied


def test_what_is_broken_is_refused_until_it_is_whole(server, halves, copy_newest):
    before, (serving,) = server.ask(PREDICT, {"inputs": [2]}), available(server)
    whole = (halves / serving / "saved_model.pb").read_bytes()
    number = copy_newest(lambda folder: (folder / "saved_model.pb").write_bytes(whole[:1000]))
    wait_until(lambda: states(server).get(number) == "END")
    _, told = server.ask(f"/v1/models/halves/versions/{number}")
    error = told["model_version_status"][0]["status"]
    assert error["error_code"] == "UNKNOWN" and "Cannot parse file" in error["error_message"]
    server.wait_for(f"Version {number} of halves is refused: Cannot parse file")
    assert server.ask(PREDICT, {"inputs": [2]}) == before and available(server) == {serving}
    (halves / number / "saved_model.pb").write_bytes(whole)
    wait_until(lambda: available(server) == {number})


def test_a_version_that_fails_its_warm_up_is_refused(server, copy_newest):
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([-1.0]))

    def add_warm_up(folder):
        (folder / "assets.extra").mkdir()
        path = folder / "assets.extra" / "tf_serving_warmup_requests"
        with tf.io.TFRecordWriter(str(path)) as writer:
            writer.write(log.SerializeToString())

    serving = available(server)
    number = copy_newest(add_warm_up)
    server.wait_for(f"Version {number} of halves is refused: assertion failed")
    assert available(server) == serving


def test_models_config_names_labels_and_versions(server, halves, save_halves):
    save_halves(halves, 21)
    save_halves(halves, 22)
    config = halves / "models.config"
    config.write_text("""
        model_config_list { config {
            name: "halves" base_path: "/models/halves" model_platform: "tensorflow"
            model_version_policy { specific { versions: 21 versions: 22 } }
            version_labels { key: "canary" value: 22 } version_labels { key: "stable" value: 21 }
        } }
    """)
    wait_until(lambda: available(server) == {"21", "22"})
    for label, expected in (("canary", 23), ("stable", 22)):
        path = f"/v1/models/halves/labels/{label}:predict"
        assert server.ask(path, {"inputs": [2]}) == (200, {"outputs": [expected]})
    config.write_text("no config {")
    server.wait_for("models.config cannot be read, what it said before stands")
    assert server.ask("/v1/models/halves/labels/canary:predict", {"inputs": [2]})[0] == 200


def test_sigterm_finishes_what_is_under_way(server):
    """A request whose body comes after the signal is answered, then the process ends."""
    idle = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    idle.request("GET", "/v1/models/halves")
    assert idle.getresponse().read()
    body, expected = b'{"inputs": [2]}', server.ask(PREDICT, {"inputs": [2]})
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", PREDICT)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:5])
    time.sleep(0.5)
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("Finishing what is under way")
    time.sleep(0.5)
    connection.send(body[5:])
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())) == expected
    connection.close()
    assert server.process.wait(60) == 0
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", server.port).connect()
