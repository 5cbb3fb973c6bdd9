"""What stands in an exported folder beside the model, read as those read it who need it."""

import ast
import base64
import concurrent.futures
import contextlib
import http.server
import io
import json
import logging
import re
import shutil
import subprocess
import sys
import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
import yaml
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from tensorflow_serving.apis import (
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

import fusionkeras as fk
from fusionkeras.export import saved_model
from fusionkeras.export.beside import write_beside
from fusionkeras.export.card import read_signatures
from fusionkeras.export.loading import as_served
from fusionkeras.export.signatures import answering

FILES = ["README.md", "batching.config", "docker-compose.yml", "models.config", "monitoring.config"]


def test_what_is_there(posts):
    assert sorted(x.name for x in posts.folder.iterdir()) == ["1", *FILES]
    assert sorted(x.name for x in posts.version.iterdir()) == [
        "assets", "assets.extra", "fingerprint.pb", "labels.txt", "model_card.json",
        "saved_model.pb", "variables",
    ]  # fmt: skip
    assert (posts.version / "labels.txt").read_text("utf-8") == "ham\nspam\nß\n"


def test_card(posts):
    card = json.loads((posts.version / "model_card.json").read_text("utf-8"))
    assert card["name"] == "posts" and card["version"] == 1
    assert card["columns"] == {"image": "encoded file", "text": "UTF-8 text"}
    head = {"task": "classification", "class_names": ["ham", "spam", "ß"]}
    assert card["heads"] == {"": {**head, "calibration": None, "unsure": None}}
    outputs = card["signatures"]["serving_default"]["outputs"]
    assert outputs["probabilities"] == {"dtype": "float32", "shape": ["batch", 3]}
    assert outputs["image_used"] == {"dtype": "bool", "shape": ["batch"]}
    assert card["verification"]["rows"] == 9 and card["verification"]["origin"] == "of a table"
    assert card["verification"]["largest_difference"] < 1e-4
    assert card["versions"]["tensorflow"] == tf.__version__
    assert set(card["license"].values()) == {""} and card["metrics"] is None


def test_labels_of_several_heads_and_what_the_caller_knows(tmp_path):
    heads = {"kind": fk.ClassificationHead(2), "price": fk.RegressionHead(0.0, 1.0)}
    branch = fk.lstm_branch(["red"], 4, units=4)
    model = fk.build_model([branch], heads=heads)
    names = {"kind": ["no", "yes"], "price": None}
    serving = fk.end_to_end(model, fk.build_preprocessor([branch]), names)
    metrics = {"test": {"accuracy": 0.9}}
    version = fk.export(
        serving, tmp_path / "x", explain=False, verify=False, card={"metrics": metrics}
    )
    assert (version / "labels_kind.txt").read_text() == "no\nyes\n"
    assert [x.name for x in version.glob("labels*")] == ["labels_kind.txt"]
    card = json.loads((version / "model_card.json").read_text())
    assert card["metrics"] == metrics and card["verification"] is None


def test_warm_up_requests_are_answered(posts):
    records = tf.data.TFRecordDataset(
        str(posts.version / "assets.extra" / "tf_serving_warmup_requests")
    )
    model, asked = tf.saved_model.load(str(posts.version)), []
    for record in records.as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        assert request.model_spec.name == "posts"
        answer = answer_of(model, request)
        asked.append((request.model_spec.signature_name, {len(x) for x in answer.values()}))
    assert asked == [
        ("embed", {1}), ("embed", {9}), ("serving_default", {1}), ("serving_default", {9})
    ]  # fmt: skip


def test_without_the_package_the_log_says_so(posts, tmp_path, monkeypatch, caplog):
    from fusionkeras.export.warmup import write_warmup

    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with caplog.at_level(logging.WARNING, "fusionkeras"):
        write_warmup(tmp_path, "posts", {"text": [b"red"]}, ["serving_default"])
    assert re.search('No warm-up.*pip install "fusionkeras.serve."', caplog.text)
    assert list(tmp_path.iterdir()) == []


# Configuration


def serving_messages():
    """The messages that tensorflow-serving-api lacks, as TensorFlow Serving publishes them.

    tensorflow_serving/servables/tensorflow/session_bundle_config.proto and
    tensorflow_serving/config/monitoring_config.proto of github.com/tensorflow/serving.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name="published.proto", package="published", syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )  # fmt: skip
    field = descriptor_pb2.FieldDescriptorProto

    def add(name, *fields):
        message = file.message_type.add(name=name)
        for number, (key, kind, label) in enumerate(fields, 1):
            its = message.field.add(name=key, number=number, label=label)
            its.type = field.TYPE_MESSAGE if isinstance(kind, str) else kind
            if isinstance(kind, str):
                its.type_name = kind

    one, many = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    integer, truth = ".google.protobuf.Int64Value", ".google.protobuf.BoolValue"
    add(
        "BatchingParameters",
        ("max_batch_size", integer, one),
        ("batch_timeout_micros", integer, one),
        ("max_enqueued_batches", integer, one),
        ("num_batch_threads", integer, one),
        ("thread_pool_name", ".google.protobuf.StringValue", one),
        ("allowed_batch_sizes", field.TYPE_INT64, many),
        ("pad_variable_length_inputs", field.TYPE_BOOL, one),
        # Only their names are known here, from batching_session's GetQueueOptions.
        ("max_execution_batch_size", integer, one),
        ("enable_large_batch_splitting", truth, one),
    )
    add("PrometheusConfig", ("enable", field.TYPE_BOOL, one), ("path", field.TYPE_STRING, one))
    add("MonitoringConfig", ("prometheus_config", ".published.PrometheusConfig", one))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"published.{name}"))
        for name in ("BatchingParameters", "MonitoringConfig")
    }


def test_text_protos(posts):
    def parse(file, message):
        return text_format.Parse((posts.folder / file).read_text("utf-8"), message)

    models = parse("models.config", model_server_config_pb2.ModelServerConfig())
    (config,) = models.model_config_list.config
    assert (config.name, config.base_path) == ("posts", "/models/posts")
    assert config.model_platform == "tensorflow"
    assert config.model_version_policy.latest.num_versions == 1
    published = serving_messages()
    batching = parse("batching.config", published["BatchingParameters"]())
    assert batching.max_batch_size.value >= 1000  # TensorFlow Serving refuses requests of more
    assert batching.enable_large_batch_splitting.value
    assert batching.max_execution_batch_size.value == 32
    assert batching.max_enqueued_batches.value * 32 >= batching.max_batch_size.value
    assert batching.batch_timeout_micros.value == 0
    monitoring = parse("monitoring.config", published["MonitoringConfig"]())
    assert monitoring.prometheus_config.enable
    assert monitoring.prometheus_config.path == "/monitoring/prometheus/metrics"


def test_compose(posts):
    service = yaml.safe_load((posts.folder / "docker-compose.yml").read_text())["services"][
        "serving"
    ]
    assert re.fullmatch(r"tensorflow/serving:\d+\.\d+\.\d+", service["image"])
    assert service["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    (volume,) = service["volumes"]
    assert volume == {"type": "bind", "source": ".", "target": "/models/posts", "read_only": True}
    named = [flag.partition("=")[2] for flag in service["command"] if "_file=" in flag]
    assert len(named) == 3  # and each is where the folder is mounted
    assert all((posts.folder / x.removeprefix("/models/posts/")).is_file() for x in named)


def test_what_was_edited_stays(posts, tmp_path, caplog):
    served, signatures = as_served(posts.serving), read_signatures(posts.version)
    (tmp_path / "models.config").write_text("# mine\n")
    write_beside(tmp_path, "first", served, signatures)
    assert "models.config has been edited and stays as it is" in caplog.text
    edited = (tmp_path / "README.md").read_text("utf-8") + "\nAsk Ada before you change it.\n"
    (tmp_path / "README.md").write_text(edited, "utf-8")
    caplog.clear()
    write_beside(tmp_path, "second", served, signatures)
    assert len(caplog.records) == 2
    assert (tmp_path / "models.config").read_text() == "# mine\n"
    assert (tmp_path / "README.md").read_text("utf-8") == edited
    assert "/models/second" in (tmp_path / "docker-compose.yml").read_text()  # it was ours


@pytest.mark.parametrize("name", ["naïve posts", 'a "b" \\ $c'])
def test_any_name(posts, tmp_path, name):
    write_beside(tmp_path, name, as_served(posts.serving), read_signatures(posts.version))
    models = text_format.Parse(
        (tmp_path / "models.config").read_text("utf-8"), model_server_config_pb2.ModelServerConfig()
    )
    assert models.model_config_list.config[0].name == name
    compose = yaml.safe_load((tmp_path / "docker-compose.yml").read_text("utf-8"))
    target = compose["services"]["serving"]["volumes"][0]["target"]
    assert target.replace("$$", "$") == f"/models/{name}" and target.count("$") % 2 == 0
    for text in programs(tmp_path, "python"):
        compile(text, "README.md", "exec")


# The calls of README.md, sent to servers that answer with the exported model


def answer_of(model, request):
    """The arrays that answer a PredictRequest."""
    ask = model.signatures[request.model_spec.signature_name]
    tensors = {key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()}
    return {key: tensor.numpy() for key, tensor in ask(**tensors).items()}


@contextlib.contextmanager
def rest_server(model):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802 - so it is called
            assert self.path == "/v1/models/posts:predict"
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            rows = [
                {
                    key: base64.b64decode(x["b64"]) if isinstance(x, dict) else x
                    for key, x in row.items()
                }
                for row in content["instances"]
            ]
            answer = model.signatures["serving_default"](
                **{key: tf.constant([row[key] for row in rows]) for key in rows[0]}
            )
            plain = {
                key: [x.decode() if isinstance(x, bytes) else x for x in tensor.numpy().tolist()]
                for key, tensor in answer.items()
            }
            predictions = [{key: plain[key][row] for key in plain} for row in range(len(rows))]
            body = json.dumps({"predictions": predictions}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


@contextlib.contextmanager
def grpc_server(model):
    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802 - so it is called
            assert request.model_spec.name == "posts"
            outputs = answer_of(model, request).items()
            protos = {
                key: tf.make_tensor_proto(x, tf.string if x.dtype == object else x.dtype)
                for key, x in outputs
            }
            return predict_pb2.PredictResponse(outputs=protos)

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()


def programs(folder, language):
    text = (folder / "README.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def asked(posts, tmp_path, monkeypatch):
    """The model, where the README's picture lies beside; and what it answers."""
    path = posts.table.columns["image"][0]
    shutil.copy(path, tmp_path / "image.jpg")
    monkeypatch.chdir(tmp_path)
    answer = fk.predict(fk.load(posts.version), {"image": "image.jpg", "text": "a text"})
    return tf.saved_model.load(str(posts.version)), answer


def assert_answers(found, answer):
    assert found["label"] == answer["label"] and found["image_used"]
    np.testing.assert_allclose(
        found["probabilities"], list(answer["probabilities"].values()), atol=1e-6
    )


@pytest.mark.slow
def test_the_call_of_curl(posts, asked):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    model, answer = asked
    with rest_server(model) as port:
        command = programs(posts.folder, "sh")[0].replace("localhost:8501", f"127.0.0.1:{port}")
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert_answers(json.loads(done.stdout)["predictions"][0], answer)


def run(text):
    """What a program prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(text, "README.md", "exec"), {})
    return printed.getvalue()


def test_the_call_of_python_by_rest(posts, asked):
    model, answer = asked
    with rest_server(model) as port:
        printed = run(
            programs(posts.folder, "python")[0].replace("localhost:8501", f"127.0.0.1:{port}")
        )
    assert_answers(ast.literal_eval(printed), answer)


@pytest.mark.slow
def test_the_call_of_python_by_grpc(posts, asked):
    model, answer = asked
    with grpc_server(model) as port:
        text = programs(posts.folder, "python")[1].replace("localhost:8500", f"127.0.0.1:{port}")
        printed = run(text)
    assert repr(answer["label"].encode()) in printed and "'image_used': " in printed


def test_each_signature_is_traced_once(tmp_path, monkeypatch):
    traced = []

    def counted(parts, part):
        answer = answering(parts, part)
        return lambda columns: traced.append(columns) or answer(columns)

    monkeypatch.setattr(saved_model, "answering", counted)
    branch = fk.lstm_branch(["red"], 4, units=4)
    model, preprocessor = fk.build_classifier([branch]), fk.build_preprocessor([branch])
    serving = fk.end_to_end(model, preprocessor, ["cold", "warm"])
    version = fk.export(serving, tmp_path / "x", explain=False, verify=False)
    assert len(traced) == 1
    loaded = tf.saved_model.load(str(version))
    assert set(loaded.signatures) == {"serving_default", "embed", "about"}
