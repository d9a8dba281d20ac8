"""What runs in an actor of Ray that has a graphics card to itself: the network that detectors share, for all stations
of its machine.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from detectors.token_features import Tower
from detectors.tower_server import TowerServer, listen_at
from forensics.confinement.private import PrivateFolder
from forensics.confinement.socket_folder import socket_folder

N_CALLS = 8
"""`serve` is always under way; stations ask for the address meanwhile."""


class Post:
    """Answers the workers of a machine from when it is made on. Its methods may be called at the same time.

    Args:
        device: "cuda" is the card that Ray has given it.
        load: of a module; loads the tower of a device, see `shipped_on`.
    """

    def __init__(self, device: str, load: Callable[[str], Tower]) -> None:
        self._device, self._load = device, load
        self._address: Future[Path] = Future()
        self._work = ThreadPoolExecutor(1, thread_name_prefix="post").submit(self._serve)

    def address(self) -> Path:
        """Where it listens on its machine, as soon as it does.

        Raises:
            ImportError, OSError, RuntimeError, ValueError: it cannot, as for `shipped_on`.
        """
        return self._address.result()

    def serve(self) -> None:
        """Return never, but with what ended it.

        Raises:
            Whatever that was.
        """
        self._work.result()

    def _serve(self) -> None:
        try:
            tower = self._load(self._device)
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            self._address.set_exception(error)
            raise
        # If it is killed, the next one who makes such a folder removes this one.
        with PrivateFolder(socket_folder()) as folder, listen_at(folder / "tower") as listener:
            self._address.set_result(folder / "tower")
            TowerServer(tower).serve(listener)
