"""Asks a served model over the network: `fusionkeras serve`, or TensorFlow Serving itself.

`import fusionkeras` imports TensorFlow, but by REST this file needs Python's standard library
alone: copy it to where there is nothing else, and `from client import Client`.
"""

import base64
import dataclasses
import http.client
import json
import pathlib
import random
import struct
import time
import urllib.error
import urllib.parse
import urllib.request

DEFAULT_SIGNATURE = "serving_default"
_PASSING = {429, 503, "UNAVAILABLE"}  # a server that starts, or has too much to do
_GONE = {404, "NOT_FOUND"}
_TOO_LARGE = {413, "RESOURCE_EXHAUSTED"}


class ServingError(Exception):
    """What a server says where it does not answer.

    Attributes:
        status: of HTTP, int, such as 404; by gRPC the name of the code, such as `"NOT_FOUND"`.
        message: str, as the server wrote it.
    """

    def __init__(self, status, message):
        super().__init__(f"The server refused with status {status}: {message}")
        self.status, self.message = status, message


class Client:
    """Asks one served model.

    A server that cannot be reached or has no time (429, 503, UNAVAILABLE) is asked again, after
    0.1 s, 0.2 s, 0.4 s, up to 2 s. The class names belong to a version, so the client asks
    the version that it met first, until that is retired; then the newest.

    Args:
        url: str, `"http://host:8501"`, `"https://..."`, or `"grpc://host:8500"`, which needs the
            extra `serve`.
        model: str, its name; None asks the server, which `fusionkeras serve` tells by REST.
        timeout: float, seconds for a request with all its attempts.
        retries: int, how often a request is repeated.

    Example:
        >>> client = Client("http://127.0.0.1:8501", model="posts")
        >>> client.predict([{"image": "photo.jpg", "text": "A red dress"}])  # doctest: +SKIP
        [{'label': 'clothes', 'probability': 0.9, 'probabilities': {'clothes': 0.9, 'toys': 0.1}}]
    """

    def __init__(self, url, model=None, timeout=60.0, retries=5):
        self._transport = _transport(url)
        self._name, self._timeout, self._retries = model, timeout, retries
        self._told = None

    def predict(self, rows, signature=DEFAULT_SIGNATURE, batch_size=32):
        """Answers one row or many, as `fusionkeras.predict` does.

        Args:
            rows: a dict of `{column: value}`, or a list of such dicts. A value is a str (a text,
                or the path of a picture's file), bytes (an encoded picture, or a UTF-8 text), or
                None where it is missing.
            signature: str, another signature of the model, such as `"embed"`.
            batch_size: int, rows of a request; fewer where the server says that it is too large.

        Returns:
            For one row a dict, for a list of rows the list of such dicts, in order: what
            `fusionkeras.predict` returns. Another signature, or a model that is none of
            fusionkeras, gives `{output: value}`, with lists for tensors.

        Raises:
            ServingError: what the server said.
            ConnectionError: when nobody answers.
            TimeoutError: when the time is over.
            ValueError: for a row with an unknown column, or without any of the model's.
            FileNotFoundError: for the path of a picture that is not there.
        """
        if batch_size < 1:
            raise _error("Wrong batch size", "at least 1", batch_size=batch_size)
        many = [rows] if isinstance(rows, dict) else list(rows)
        if not all(isinstance(row, dict) for row in many):
            raise _error("A row is no dict", "{column: value}, or a list", TypeError, rows=rows)
        found = []
        for start in range(0, len(many), batch_size):
            found += self._batch(many[start : start + batch_size], signature)
        return found[0] if isinstance(rows, dict) else found

    def _batch(self, rows, signature):
        try:
            return self._ask(rows, signature)
        except ServingError as error:
            if error.status in _TOO_LARGE and len(rows) > 1:
                half = len(rows) // 2
                return self._batch(rows[:half], signature) + self._batch(rows[half:], signature)
            if error.status not in _GONE:
                raise
        self._told = None  # the version was retired
        return self._ask(rows, signature)

    def _ask(self, rows, signature):
        told = self._told = self._told or self._describe()
        columns, outputs = told.signature(signature)
        _check_rows(rows, columns)
        files = told.about.get("files", [])
        inputs = {
            name: [_encode(name, row.get(name), name in files) for row in rows] for name in columns
        }
        answers = self._again(
            self._transport.predict, told.name, told.version, signature, inputs, outputs
        )
        numbers = range(len(rows))
        if told.about and signature == DEFAULT_SIGNATURE:
            return [_row(told.about, answers, number) for number in numbers]
        return [{name: values[number] for name, values in answers.items()} for number in numbers]

    def _describe(self):
        name = self._name or self._again(self._transport.find_model)
        version, signatures = self._again(self._transport.describe, name)
        told = _Told(name, version, signatures, {})
        if "about" in signatures:
            columns, outputs = told.signature("about")
            inputs = {column: [""] for column in columns}
            about = self._again(self._transport.predict, name, version, "about", inputs, outputs)
            told.about.update({output: values[0] for output, values in about.items()})
        return told

    def _again(self, ask, *arguments):
        """Asks, and asks again while the server is away."""
        end, attempt = time.monotonic() + self._timeout, 0
        while True:
            try:
                return ask(*arguments, seconds=max(end - time.monotonic(), 0.001))
            except (ConnectionError, ServingError) as error:
                passing = getattr(error, "status", 503) in _PASSING
                pause = min(0.1 * 2**attempt, 2) * random.uniform(0.75, 1)
                late = time.monotonic() + pause >= end
                if not passing or attempt == self._retries or late:
                    raise
            attempt += 1
            time.sleep(pause)


@dataclasses.dataclass(frozen=True)
class _Told:
    """What a server told of a model: `signatures` is `{name: (columns, {output: dtype})}`."""

    name: str
    version: int
    signatures: dict
    about: dict

    def signature(self, name):
        known = [key for key, (columns, _) in self.signatures.items() if columns]
        if name not in known:
            raise _error("Unknown signature", f"one of {sorted(known)}", signature=name)
        return self.signatures[name]


class _Rest:
    """TensorFlow Serving's REST interface."""

    def __init__(self, url):
        self._url = url.rstrip("/")

    def find_model(self, seconds):
        try:
            return self._call("/model.json", None, seconds)["name"]
        except ServingError as error:
            if error.status in _PASSING:
                raise
            raise _no_name(self._url) from error

    def describe(self, name, seconds):
        told = self._call(f"{_path(name)}/metadata", None, seconds)
        signatures = told["metadata"]["signature_def"]["signature_def"]
        return told["model_spec"]["version"], {
            signature: (
                list(definition["inputs"]),
                {output: info["dtype"] for output, info in definition["outputs"].items()},
            )
            for signature, definition in signatures.items()
        }

    def predict(self, name, version, signature, inputs, outputs, seconds):
        columns = {column: list(map(_json, values)) for column, values in inputs.items()}
        body = {"signature_name": signature, "inputs": columns}
        path = f"{_path(name)}/versions/{version}:predict"
        answers = self._call(path, body, seconds)["outputs"]
        if len(outputs) == 1:  # a single one comes without its name
            answers = {next(iter(outputs)): answers}
        return {
            output: _single(answers[output]) if dtype == "DT_FLOAT" else answers[output]
            for output, dtype in outputs.items()
        }

    def _call(self, path, body, seconds):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._url + path, data, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise ServingError(error.code, _said(error)) from error
        except ValueError as error:
            raise ServingError(200, f"what came is no JSON ({error})") from error
        except (OSError, http.client.HTTPException) as error:
            raise _unreached(error, self._url, seconds) from error


def _transport(url):
    scheme, _, rest = url.partition("://")
    if scheme in ("http", "https") and rest:
        return _Rest(url)
    if scheme != "grpc" or not rest:
        raise _error("Wrong address", "http://, https:// or grpc://host:port", url=url)
    from fusionkeras.export.client_grpc import Grpc

    return Grpc(rest.rstrip("/"))


def _path(name):
    return f"/v1/models/{urllib.parse.quote(name, safe='')}"


def _json(value):
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _single(value):
    """The float32 that the server computed; JSON holds the shortest decimals that stand for it."""
    if isinstance(value, list):
        return [_single(item) for item in value]
    return struct.unpack("f", struct.pack("f", value))[0]


def _said(error):
    """The message of an error's body."""
    body = error.read()
    try:
        return json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return body[:500].decode("utf-8", "replace").strip() or error.reason


def _unreached(error, url, seconds):
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return _error(
            "The time is over", f"an answer within {seconds:.1f} s", TimeoutError, url=url
        )
    return _error(f"Nobody answers ({reason})", "a model server", ConnectionError, url=url)


def _no_name(url):
    expected = "model=, its name, as this server does not tell it"
    return _error("Which model is unknown", expected, url=url)


def _error(problem, expected, kind=ValueError, **received):
    ((name, value),) = received.items()
    return kind(f"{problem}. Expected {expected}. Received: {name}={value!r:.200}.")


def _check_rows(rows, columns):
    for row in rows:
        unknown = [name for name in row if name not in columns]
        if unknown or all(value in (None, "", b"") for value in row.values()):
            problem = f"Unknown column {unknown[0]!r}" if unknown else "There is nothing in a row"
            raise _error(problem, f"at least one of {columns}", row=row)


def _encode(name, value, is_file):
    if value is None:
        return ""
    if isinstance(value, pathlib.PurePath) or (isinstance(value, str) and value and is_file):
        return pathlib.Path(value).read_bytes()
    if not isinstance(value, (str, bytes)):
        expected = "a str, bytes, a path, or None where it is missing"
        raise _error(f"Wrong value for the column {name!r}", expected, TypeError, value=value)
    return value


def _row(about, answers, row):
    """The answer of one row, for several heads a dict of them."""
    used = {
        name.removesuffix("_used"): values[row]
        for name, values in sorted(answers.items())
        if name.endswith("_used")
    }
    heads = {}
    for told in about["tasks"]:
        head, _, task = told.rpartition(":")
        prefix = f"{head}_" if head else ""
        own = {
            key: answers[f"{prefix}{key}"][row]
            for key in ("value", "label", "probabilities")
            if f"{prefix}{key}" in answers
        }
        heads[head] = _named(task, own, about[f"{prefix}class_names"])
        if used:
            heads[head]["used"] = used
    return heads.get("", heads)


def _named(task, own, class_names):
    if task == "regression":
        return {"value": own["value"]}
    shares = dict(zip(class_names, own["probabilities"], strict=True))
    answer = {"label": own["label"]}
    if task != "multilabel":
        answer["probability"] = max(own["probabilities"])
    return {**answer, "probabilities": shares}
