"""SFTP as fsspec speaks it, but to servers only whose keys the user has met before: nobody else gets the password."""

from __future__ import annotations

from fsspec.implementations.sftp import SFTPFileSystem
from paramiko import RejectPolicy, SSHClient

PATIENCE_S = 60.0
"""For a connection, and for the next part of an answer: a pipe that nobody writes to must not hold up a scan."""


class KnownServers(SFTPFileSystem):  # type: ignore[misc]
    """Of `~/.ssh/known_hosts`; keys and agents are found as `ssh` finds them."""

    def _connect(self) -> None:
        self.client = SSHClient()
        self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(RejectPolicy())
        self.client.connect(self.host, timeout=PATIENCE_S, **self.ssh_kwargs)
        self.ftp = self.client.open_sftp()
        self.ftp.get_channel().settimeout(PATIENCE_S)
