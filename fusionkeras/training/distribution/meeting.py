"""Waiting until all processes of a training are there."""

import contextlib
import socket
import time

from fusionkeras._checks import argument_error


def meet(cluster, timeout):
    """Waits until every process of a cluster listens, and lets them know that this one does.

    TensorFlow waits for a process that never comes without end, and cannot be interrupted then.

    Args:
        cluster: `Cluster`.
        timeout: float, in seconds, how long the others are waited for.

    Raises:
        ValueError: where this process cannot listen on its own address, and for the processes
            that have not come, by their addresses.
    """
    missing = {place: one for place, one in enumerate(cluster.addresses) if place != cluster.index}
    end = time.monotonic() + timeout
    with _listening(cluster.addresses[cluster.index], len(missing)):
        while missing:
            missing = {place: one for place, one in missing.items() if not _answers(one)}
            if missing and time.monotonic() > end:
                names = ", ".join(f"process {place} ({one})" for place, one in missing.items())
                raise argument_error(
                    f"Not all processes of the training have come: {names} did not answer",
                    f"all {len(cluster.addresses)} of them within {timeout:g} seconds",
                    "Start those too, or look into what they say.",
                    index=cluster.index,
                )
            if missing:
                time.sleep(0.2)


@contextlib.contextmanager
def _listening(address, others):
    """While it lasts, those who connect to an address find that somebody is there."""
    _, _, port = address.rpartition(":")
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("", int(port)))
        except (OSError, ValueError, OverflowError) as error:
            raise argument_error(
                f"This process cannot listen where the others look for it ({error})",
                "an address with a port that is free",
                address=address,
            ) from error
        server.listen(others + 8)
        yield


def _answers(address):
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False
