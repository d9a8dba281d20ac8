"""What examines many files: worker processes of this machine, or stations on the machines of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from forensics.conversation import Decide, Receive
from forensics.languages import ENGLISH
from forensics.messages import Examiner, Task
from forensics.outcome import Outcome
from forensics.pool import Pool
from forensics.settings import ScanSettings
from forensics.towers import towers_on


class Engine(Protocol):
    """Examines files. A context manager; leaving it ends all that works for it."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(
        self,
        tasks: Iterable[Task],
        decide: Decide,
        receive: Receive | None = None,
        *,
        tick: Callable[[], None] = lambda: None,
    ) -> Iterator[Outcome]:
        """Examine files, yielding each as it ends: see `Pool.run`."""
        ...


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster to examine on.

    Attributes:
        address: None takes the one that $RAY_ADDRESS names or that runs here, or starts one on this machine.
        n_stations: files that are examined at once; None is one a processor, memory allowing.
        device: "cuda" lets a process for each graphics card that Ray knows of run the network that detectors share, for
            the stations of its machine; with "cpu" it does so on processors, for trials. None lets each station.
    """

    address: str | None = None
    n_stations: int | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        if self.n_stations is not None and self.n_stations < 1:
            raise ValueError(f"a cluster needs at least one station, not {self.n_stations}")
        if self.device not in (None, "cpu", "cuda"):
            raise ValueError(f"which card is whose, Ray says: the device of a cluster is cuda, not {self.device}")


def make_engine(
    settings: ScanSettings,
    *,
    n_workers: int = 1,
    devices: Sequence[str] = (),
    cluster: Cluster | None = None,
    folder: Path | None = None,
    forms: tuple[str, ...] = (),
    language_code: str = ENGLISH,
    build: Callable[[ScanSettings], Examiner] | None = None,
) -> Engine:
    """The engine that was chosen.

    Args:
        settings: of the scan.
        n_workers: processes of this machine.
        devices: of this machine, such as "cuda:1", that run the network which detectors share; none lets each worker.
        cluster: to examine on instead; None stays on this machine.
        folder: for reports; a station writes there itself.
        forms, language_code, build: as for `Pool`.
    """
    if cluster is None:
        return Pool(
            settings,
            n_workers=n_workers,
            forms=forms,
            language_code=language_code,
            build=build,
            towers=towers_on(devices),
        )
    from forensics.ray_engine import RayPool

    return RayPool(settings, cluster, folder=folder, forms=forms, language_code=language_code, build=build)
