"""Where sockets lie that are files: their paths must be short."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

MAX_FOLDER_BYTES = 45
"""The path of a socket takes 103 bytes on macOS and 107 on Linux (unix(7)), of which the longest one needs 58:
`/unforged-????????????????/pymp-????????/listener-????????`."""

SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")
"""Where they lie if $TMPDIR is longer."""


def socket_folder() -> Path:
    """The usual folder for temporary files, or another one if its path is too long.

    Raises:
        OSError: no short folder can be written.
    """
    usual = tempfile.gettempdir()
    if len(os.fsencode(usual)) <= MAX_FOLDER_BYTES:
        return Path(usual)
    short = next((folder for folder in SHORT_FOLDERS if os.access(folder, os.W_OK | os.X_OK)), None)
    if short is None:
        folders = ", ".join(SHORT_FOLDERS)
        raise OSError(
            f"the path of $TMPDIR is over {MAX_FOLDER_BYTES} bytes long, and none of {folders} can be written"
        )
    return Path(short)
