"""A real SFTP server on this machine, which shows a folder; nothing leaves the machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import paramiko

USER, PASSWORD = "ann", "secret"


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, str]]:
    """Serve a folder. Yields host and port as a URL has them, and the line of a known_hosts file."""
    key = paramiko.RSAKey.generate(2048)
    transports: list[paramiko.Transport] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        Thread(target=_serve, args=(listener, key, folder, transports), daemon=True).start()
        yield f"{host}:{port}", f"[{host}]:{port} {key.get_name()} {key.get_base64()}\n"
        for transport in transports:
            transport.close()


def _serve(listener: socket.socket, key: paramiko.PKey, folder: Path, transports: list[paramiko.Transport]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        transport = paramiko.Transport(connection)
        transports.append(transport)
        transport.add_server_key(key)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, folder)
        try:
            transport.start_server(server=_Door())
        except (EOFError, paramiko.SSHException):
            # Who does not know the key hangs up.
            continue


class _Door(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        is_known = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if is_known else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: paramiko.ServerInterface, folder: Path) -> None:
        super().__init__(server)
        self._folder = folder

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        try:
            return [self._told(one) for one in sorted(self._place(path).iterdir())]
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return self._told(self._place(path))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        handle = paramiko.SFTPHandle(flags)
        try:
            handle.readfile = self._place(path).open("rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return handle

    def _place(self, path: str) -> Path:
        return self._folder / path.lstrip("/")

    def _told(self, path: Path) -> paramiko.SFTPAttributes:
        told: paramiko.SFTPAttributes = paramiko.SFTPAttributes.from_stat(os.stat(path), path.name)  # noqa: PTH116
        return told
