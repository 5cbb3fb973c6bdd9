"""A real server in a process of its own."""

import asyncio
import concurrent.futures
import contextlib
import functools
import http.client
import json
import re
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from aiohttp import web

import fusionkeras as fk
from fusionkeras.export.server.limits import Limits
from fusionkeras.export.server.model import Model
from fusionkeras.export.server.remote_calls import build_server
from fusionkeras.export.server.rest import build_application
from fusionkeras.export.server.service import Service


class Server:
    """`fusionkeras serve` on free ports, until the test module ends."""

    def __init__(self, folder, log, *options):
        self.folder, self.log = folder, log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fusionkeras", "serve", str(folder), "--port", "0",
                 "--grpc-port", "0", *options],
                stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        ports = self.wait_for(r"on http://127.0.0.1:(\d+) and grpc://127.0.0.1:(\d+)").groups()
        self.port, self.grpc_port = map(int, ports)
        self.url = f"http://127.0.0.1:{self.port}"

    def wait_for(self, pattern, seconds=180):
        """Waits until the log says so."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.log.read_text())):
            assert time.monotonic() < end and self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        return found

    def ask(self, path, body=None, method=None):
        """One request: the status and the JSON of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with contextlib.closing(connection):
            body = json.dumps(body) if isinstance(body, dict) else body
            method = method or ("GET" if body is None else "POST")
            connection.request(method, path, body)
            answer = connection.getresponse()
            content = answer.read()
            if not path.lower().startswith("/v1/"):
                return answer.status, content
            assert answer.getheader("Content-Type") == "application/json"
            return answer.status, json.loads(content)

    def error(self, path, body=None, method=None):
        """One request that must fail: the status and the text of the error."""
        status, answer = self.ask(path, body, method)
        assert list(answer) == ["error"]
        return status, answer["error"]

    def stop(self):
        """Tells it to stop, and waits for it."""
        self.process.terminate()
        return self.process.wait(60)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts servers that are stopped after the module."""
    servers = []

    def started(folder, *options):
        servers.append(Server(folder, tmp_path_factory.mktemp("log") / "log", *options))
        return servers[-1]

    yield started
    for server in servers:
        server.process.kill()
        server.process.wait()


class Nearby:
    """The server in a thread of this process, where several models or none of its time matter."""

    def __init__(self, folder, port=0, grpc=False, busy=0, **limits):
        self._folder, self._wished, self._grpc, self._busy = folder, port, grpc, busy
        self._limits, self._started = Limits(poll=0.1, **limits), concurrent.futures.Future()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),))
        self._thread.start()
        self._loop, self._end, self.port, self.grpc_port = self._started.result(120)
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(60)

    async def _serve(self):
        try:
            model = Model(self._folder, self._folder.name)
            await model.refresh(settled=False)
            service = Service(model, self._limits)
            application = build_application(service)
            application.middlewares.append(self._be_busy)
            runner = web.AppRunner(application)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", self._wished).start()
            server, grpc_port = build_server(service), None
            if self._grpc:
                grpc_port = server.add_insecure_port("127.0.0.1:0")
                await server.start()
        except BaseException as error:
            self._started.set_exception(error)
            raise
        end, watching = asyncio.Event(), asyncio.ensure_future(model.watch(0.1))
        told = asyncio.get_running_loop(), end, runner.addresses[0][1], grpc_port
        self._started.set_result(told)
        await end.wait()
        watching.cancel()
        await runner.cleanup()
        await server.stop(None)

    @web.middleware
    async def _be_busy(self, request, handler):
        """Answers 503 as often as it was told to, as TensorFlow Serving does under load."""
        if self._busy:
            self._busy -= 1
            return web.json_response({"error": "The queue is full"}, status=503)
        return await handler(request)


@pytest.fixture(scope="module")
def serve():
    """Starts servers in this process that are stopped after the module."""
    with contextlib.ExitStack() as stack:

        def served(folder, **options):
            server = Nearby(folder, **options)
            stack.callback(server.stop)
            return server

        yield served


HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """Folders of models by name: `posts`, of two pictures and a text; `heads`; and `price`."""
    folder = tmp_path_factory.mktemp("exported")
    text = fk.lstm_branch(["a", "red", "blue"], sequence_length=4)
    pictures = [
        fk.image_branch("small_cnn", name=name, image_size=(32, 32)) for name in ("front", "back")
    ]
    heads = {
        "kind": fk.ClassificationHead(2), "genres": fk.MultilabelHead(3),
        "price": fk.RegressionHead(50.0, 20.0), "stars": fk.OrdinalHead(4),
    }  # fmt: skip
    names = {"kind": ["no", "yes"], "genres": ["a", HOSTILE, "ü"], "price": None,
             "stars": ["1", "2", "3", "4"]}  # fmt: skip
    twelve = [HOSTILE, "ß", *(f"class {number}" for number in range(10))]
    models = {
        "posts": (
            fk.build_classifier([*pictures, text], num_classes=12),
            twelve,
            pictures + [text],
        ),
        "heads": (fk.build_model([text], heads=heads), names, [text]),
        "price": (fk.build_model([text], heads=fk.RegressionHead(50.0, 20.0)), None, [text]),
    }
    for name, (model, class_names, branches) in models.items():
        limits = {"genres": [0.1, 0.45, 0.9]} if name == "heads" else None
        serving = fk.end_to_end(model, fk.build_preprocessor(branches), class_names, limits)
        fk.export(serving, folder / name, verify=False, explain=name == "posts")
    return folder


@pytest.fixture(scope="session")
def predict(exported):
    """What an exported model answers where it is asked without a server."""
    load = functools.cache(lambda name: fk.load(exported / name))
    return lambda name, rows: fk.predict(load(name), rows)


class Used(tf.Module):
    """Says what it used, as exported models do."""

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, name) for name in ("image", "text")]
    )
    def answer(self, image, text):
        rows = tf.size(text)
        return {
            "label": tf.fill([rows], "yes"),
            "probabilities": tf.where(text[:, tf.newaxis] == "nan", np.nan, [[0.25, 0.75]]),
            "image_used": tf.strings.length(image) > 0,
            "text_used": tf.strings.length(text) > 0,
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "any")])
    def about(self, rows):
        told = {"class_names": ["no", "yes"], "files": ["image"], "tasks": [":classification"]}
        return {name: tf.tile([values], [tf.size(rows), 1]) for name, values in told.items()}


@pytest.fixture(scope="session")
def used(tmp_path_factory):
    """The folder of a model that says what it used."""
    module, folder = Used(), tmp_path_factory.mktemp("used") / "used"
    signatures = {"serving_default": module.answer, "about": module.about}
    tf.saved_model.save(module, str(folder / "1"), signatures=signatures)
    return folder


class Halves(tf.Module):
    """x / 2 + version; rows below zero make its graph fail."""

    def __init__(self, version):
        super().__init__()
        self.version = tf.Variable(float(version))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def half(self, x):
        with tf.control_dependencies([tf.debugging.assert_non_negative(x)]):
            return {"y": x / 2.0 + self.version}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def spell(self, text):
        """A dequeue from a queue that nobody fills never ends."""
        queue = tf.raw_ops.FIFOQueueV2(component_types=[tf.string], shapes=[[]])
        with tf.control_dependencies([tf.identity(text)]):
            word = tf.raw_ops.QueueDequeueV2(handle=queue, component_types=[tf.string])[0]
        return {"word": tf.repeat(word, tf.size(text))}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 2], tf.int32, "whole"),
            tf.TensorSpec([None], tf.bool, "truth"),
            tf.TensorSpec([None], tf.string, "raw"),
        ]
    )
    def types(self, whole, truth, raw):
        return {
            "whole": whole + 1, "truth": tf.logical_not(truth), "raw": raw, "raw_bytes": raw,
            "odd": tf.where(truth, float("nan"), float("-inf")), "long": tf.cast(whole, tf.int64),
        }  # fmt: skip

    @tf.function(input_signature=[])
    def nothing(self):
        return {"version": self.version}


def write_halves(folder, version):
    """Writes a version, whole at once."""
    module, target = Halves(version), folder / str(version)
    signatures = {
        "serving_default": module.half, "hang": module.spell, "types": module.types,
        "nothing": module.nothing,
    }  # fmt: skip
    tf.saved_model.save(module, str(folder / ".unfinished"), signatures=signatures)
    (folder / ".unfinished").rename(target)
    return target


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """A folder with version 1 of a model that is none of ours."""
    folder = tmp_path_factory.mktemp("models") / "halves"
    folder.mkdir()
    write_halves(folder, 1)
    return folder


@pytest.fixture(scope="module")
def save_halves():
    return write_halves
