"""What an operator needs beside the versions: how TensorFlow Serving is to be started."""

import hashlib
import json
import logging
import re

from fusionkeras.data.whole import write_whole
from fusionkeras.export.calls import how_to_call

_LOGGER = logging.getLogger("fusionkeras")
# The release of TensorFlow Serving that the files are written for; not run by our tests.
IMAGE = "tensorflow/serving:2.21.0"
# The first line of each file; it tells whether the rest is still as it was written.
_MARK = re.compile(r"(?:#|<!--) Written by fusionkeras \(([0-9a-f]{16})\)")


def write_beside(folder, name, served, signatures):
    """Writes `models.config`, `batching.config`, `monitoring.config`, `docker-compose.yml`, README.

    The first line of each holds a checksum of the others. A file that somebody else wrote, or has
    edited since, stays as it is, and the log says so.

    Args:
        folder: `pathlib.Path`, the folder of the versions.
        name: str, what the model is called where it is served.
        served: `ServedModel`.
        signatures: dict of `read_signatures`.
    """
    files = {
        "models.config": _models(name),
        "batching.config": BATCHING,
        "monitoring.config": MONITORING,
        "docker-compose.yml": _compose(name),
        "README.md": how_to_call(name, served, signatures, IMAGE),
    }
    for file, text in files.items():
        place = folder / file
        if _is_ours(place):
            content = _marked(file, text)
            write_whole(place, lambda path, content=content: path.write_text(content, "utf-8"))
        else:
            _LOGGER.warning("%s has been edited and stays as it is", place)


def _marked(file, text):
    line = f"Written by fusionkeras ({_checksum(text)}). Once edited, it is not written again."
    return (f"<!-- {line} -->\n" if file.endswith(".md") else f"# {line}\n") + text


def _is_ours(place):
    if not place.exists():
        return True
    first, _, rest = place.read_bytes().decode("utf-8", "replace").partition("\n")
    mark = _MARK.match(first)
    return mark is not None and mark[1] == _checksum(rest)


def _checksum(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _quoted(text):
    """A str as text protos and YAML both read it."""
    return json.dumps(text, ensure_ascii=False)


def _models(name):
    return f"""\
model_config_list {{
  config {{
    name: {_quoted(name)}
    base_path: {_quoted(f"/models/{name}")}
    model_platform: "tensorflow"
    # The highest number is served. A new one is loaded before the one before it is let go.
    model_version_policy {{ latest {{ num_versions: 1 }} }}
  }}
}}
"""


BATCHING = """\
# A request may have 1,024 rows, and runs in passes of at most 32, which requests may share.
max_batch_size { value: 1024 }
max_execution_batch_size { value: 32 }
enable_large_batch_splitting { value: true }
# A pass goes as soon as a thread is free: no request waits for company.
batch_timeout_micros { value: 0 }
# As many as can work at once; each runs a pass on all the cores that TensorFlow is given.
num_batch_threads { value: 2 }
# With more passes waiting, requests are refused ("UNAVAILABLE", 503) instead of growing old.
max_enqueued_batches { value: 100 }
"""

MONITORING = """\
prometheus_config { enable: true, path: "/monitoring/prometheus/metrics" }
"""


def _compose(name):
    place = f"/models/{name}".replace("$", "$$")  # of one, Docker Compose makes a variable
    flags = [
        f"--model_config_file={place}/models.config",
        "--enable_batching=true",
        f"--batching_parameters_file={place}/batching.config",
        f"--monitoring_config_file={place}/monitoring.config",
    ]
    shown = "".join(f"      - {_quoted(flag)}\n" for flag in flags)
    return f"""\
# docker compose up: gRPC on port 8500, REST and metrics on 8501, of this machine only.
services:
  serving:
    image: {IMAGE}
    command:
{shown}    volumes:
      - type: bind
        source: .
        target: {_quoted(place)}
        read_only: true
    ports:
      - "127.0.0.1:8500:8500"
      - "127.0.0.1:8501:8501"
    restart: unless-stopped
"""
