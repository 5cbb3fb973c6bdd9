"""Starts a server, and ends it when it is told to."""

import asyncio
import contextlib
import gc
import pathlib
import signal

from aiohttp import web

from fusionkeras._checks import argument_error
from fusionkeras.export.server.limits import Limits
from fusionkeras.export.server.model import LOG, Model
from fusionkeras.export.server.remote_calls import build_server
from fusionkeras.export.server.rest import build_application
from fusionkeras.export.server.service import Service


async def serve(folder, name=None, host="127.0.0.1", ports=(8501, 8500), limits=None):
    """Serves a model until SIGTERM or SIGINT comes, and finishes what is under way then.

    Args:
        folder: str or path, with versions 1, 2, 3 ... in it.
        name: str, of the model; None takes that of the folder.
        host: str, the address to listen on.
        ports: the ports of REST and of gRPC; 0 takes a free one.
        limits: `Limits`.

    Raises:
        ValueError: when there is no version that can be served, or a port is taken.
    """
    limits = limits or Limits()
    gc.freeze()  # what is imported stays: later collections look at models and requests only
    model = await _load(pathlib.Path(folder).resolve(), name, limits.timeout)
    service = Service(model, limits)
    stop = _stop_on_signal()
    async with _rest(service, host, ports[0]) as rest, _grpc(service, host, ports[1]) as grpc:
        versions = ", ".join(map(str, model.in_service))
        print(f"Serving {model.name}, version {versions}, on http://{rest} and grpc://{grpc}")
        print(f"Try it at http://{rest}/ in a browser")
        print(f"curl http://{rest}/v1/models/{model.name}/metadata says what it takes", flush=True)
        watching = asyncio.ensure_future(model.watch(limits.poll))
        await stop.wait()
        LOG.info("Finishing what is under way")
        watching.cancel()


async def _load(folder, name, timeout):
    model = Model(folder, name or folder.name, timeout)
    if folder.is_dir():
        await model.refresh(settled=False)
    if not model.in_service:
        errors = [message for _, _, message in model.states.values() if message]
        raise argument_error(
            f"There is no model to serve here{''.join(f' ({error})' for error in errors[-1:])}",
            "the folder of an exported model, with versions 1, 2, 3 ... in it",
            f"Pass {str(folder.parent)!r}." if (folder / "saved_model.pb").is_file() else "",
            path=str(folder),
        )
    return model


def _stop_on_signal():
    """An event that SIGTERM or SIGINT sets; a second one ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def told(number):
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number)
    return stop


@contextlib.asynccontextmanager
async def _rest(service, host, port):
    runner = web.AppRunner(
        build_application(service),
        access_log=None,
        handler_cancellation=True,  # a client that goes away takes its request with it
        shutdown_timeout=service.limits.timeout,
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise _taken(error, host, port) from error
    try:
        yield _address(host, runner.addresses[0][1])
    finally:
        await site.stop()
        await service.finish()  # aiohttp would throw away what is still to come of a body
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _grpc(service, host, port):
    server = build_server(service)
    try:
        port = server.add_insecure_port(_address(host, port))
    except RuntimeError as error:
        raise _taken(error, host, port) from error
    await server.start()
    try:
        yield _address(host, port)
    finally:
        await server.stop(service.limits.timeout)


def _address(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _taken(error, host, port):
    return argument_error(
        f"The port cannot be listened on ({error})",
        "an address of this machine and a free port, or 0 for any",
        host=host,
        port=port,
    )
