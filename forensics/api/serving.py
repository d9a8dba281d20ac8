"""Runs the application in uvicorn until a signal ends it."""

from __future__ import annotations

import logging
import signal
import sys

import uvicorn

from forensics.api.app import create_app
from forensics.api.configuration import Configuration
from forensics.api.telling import LOG, tell
from forensics.store import Store

MAX_CONNECTIONS = 200
"""Beyond, clients are told to come again: each may hold a megabyte of a body."""

KEEP_ALIVE_S = 5


class Server(uvicorn.Server):
    """Says where it listens, for whoever asked for any port."""

    async def startup(self, sockets: object = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)  # type: ignore[arg-type]
        for server in self.servers:
            for socket in server.sockets:
                tell("listening", {"host": socket.getsockname()[0], "port": socket.getsockname()[1]})


def run(configuration: Configuration, store: Store, host: str, port: int) -> int:
    """Serve until SIGTERM or Ctrl-C.

    Returns:
        The exit code: 0 after a stop that was asked for, 2 when it could not start.

    Raises:
        ValueError, RuntimeError, OSError: as `create_app`; or a device for networks is missing, or does not work.
    """
    with configuration.towers:
        return _serve(configuration, store, host, port)


def _serve(configuration: Configuration, store: Store, host: str, port: int) -> int:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    settings = uvicorn.Config(
        create_app(configuration, store),
        host=host,
        port=port,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(configuration.stop_s)),
    )
    server = Server(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn stops at them, and raises them again when it has stopped: that was asked for.
        signal.signal(number, lambda number, frame: None)
    try:
        server.run()
    except SystemExit:
        # uvicorn's way to say that it cannot listen there; its log said why.
        return 2
    finally:
        LOG.removeHandler(handler)
    return 0 if server.started else 2
