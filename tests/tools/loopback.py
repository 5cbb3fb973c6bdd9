"""Processes on this machine that find each other over loopback."""

import json
import socket


def free_addresses(count):
    """Addresses on loopback that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return [f"127.0.0.1:{port}" for port in ports]


def tf_config(cluster, kind, index):
    """The variable by which TensorFlow tells a process of its cluster, `{job: addresses}`."""
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}
