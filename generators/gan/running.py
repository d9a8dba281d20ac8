"""One GAN run from pictures to trained networks: saves, ways back and the clock around the game itself."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from generators.checkpoints import load_state, save_state
from generators.gan.settings import GanSettings
from generators.gan.training import CriticLike, Game
from generators.trainers import Progress

T = TypeVar("T")

CHECKPOINT = "checkpoint.safetensors"
GOOD = "good.safetensors"
"""The checkpoint of the last evaluation that found nothing wrong; the newest one may have caught the trouble."""

MAX_ROLLBACKS = 5
"""A run that breaks more often is not going to get well by itself."""

FREE = ("n_images", "minutes", "device", "n_devices", "n_between_saves", "n_between_evaluations", "n_quality")
"""Settings that a resumed run may change: they decide how long it goes and where, not what it does in a step."""


class Diverged(RuntimeError):
    """A run that breaks again however often it went back."""


class Observer(Protocol):
    """Looks at a run from outside; it draws nothing from the run's randomness."""

    def log(self, game: Game, per_second: float) -> str:
        """Note where the run stands; called at every save that no evaluation precedes.

        Returns:
            What is wrong though no reason to go back, as a plain sentence; "" for nothing.
        """
        ...

    def evaluate(self, game: Game, per_second: float) -> str | None:
        """Measure the fakes.

        Returns:
            Why the run must go back to its last good save, as a plain sentence; None when all is well.
        """
        ...


class Run:
    """A run in a folder, which holds its checkpoint.

    Args:
        pixels: (N, S, S, 3) uint8, pictures to learn from.
        out: made if missing.
        settings: of the run.
        critic: see `Game`.
        observer: looks on; None to play unwatched.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        out: Path,
        settings: GanSettings,
        *,
        critic: CriticLike | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._fabric = _fabric(settings)
        self.game = Game(pixels, settings, self._fabric, critic)
        self.spent_s = 0.0
        self._note = ""
        self._saved_at = -1
        self._settings, self._observer = settings, observer
        self._checkpoint = out / CHECKPOINT
        self._pictures = hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()

    @property
    def device(self) -> str:
        """What it plays on, in words."""
        return f"{self._fabric.world_size} x {self._fabric.device.type}"

    def resume(self) -> None:
        """Go on from the checkpoint in the folder.

        Raises:
            FileNotFoundError: there is none.
            ValueError: it is damaged, or of another run.
        """
        state = load_state(self._checkpoint)
        check_same(state["settings"], self._settings)
        if state["pictures"] != self._pictures:
            raise ValueError(f"the checkpoint in {self._checkpoint.parent} was made with other pictures")
        self.game.restore(state["game"])
        self.spent_s = state["spent_s"]

    def play(self, report: Callable[[Progress], None] | None = None) -> None:
        """Play until `n_images` were seen or the time is up.

        Args:
            report: called about once a second.

        Raises:
            Diverged: it broke again after `MAX_ROLLBACKS` ways back to the last save.
        """
        game, settings, pace = self.game, self._settings, Pace(self.game.n_seen)
        while game.n_seen < settings.n_images and not self._agreed(pace.is_up(settings.minutes)):
            before = game.n_seen
            game.step()
            trouble = self._agreed(self._trouble(before, pace))
            if trouble is not None:
                self._go_back(trouble)
            elif crossed(before, game.n_seen, settings.n_between_evaluations):
                self._save(pace, good=True)
            elif crossed(before, game.n_seen, settings.n_between_saves):
                self._save(pace)
            if report is not None and self._fabric.is_global_zero and pace.is_due():
                note = trouble or self._note
                report(Progress(game.n_seen, settings.n_images, pace.per_second(game.n_seen), note))
        if self._saved_at != game.n_seen:
            self._save(pace)

    def _trouble(self, before: int, pace: Pace) -> str | None:
        game = self.game
        if not game.reading.finite or (crossed(before, game.n_seen, self._settings.n_between_saves) and game.is_broken):
            return f"a loss or a weight is no number after {game.n_seen:,} pictures"
        if self._observes and crossed(before, game.n_seen, self._settings.n_between_evaluations):
            assert self._observer is not None
            return self._observer.evaluate(game, pace.per_second(game.n_seen))
        return None

    @property
    def _observes(self) -> bool:
        return self._observer is not None and bool(self._fabric.is_global_zero)

    def _agreed(self, own: T) -> T:
        """What the first device thinks: all must do the same."""
        return own if self._fabric.world_size == 1 else cast(T, self._fabric.broadcast(own))

    def _save(self, pace: Pace, *, good: bool = False) -> None:
        self._fabric.barrier()
        self._saved_at = self.game.n_seen
        if not self._fabric.is_global_zero:
            return
        settings = {name: _written(value) for name, value in asdict(self._settings).items()}
        self.spent_s += pace.lap_s()
        state = {"settings": settings, "pictures": self._pictures, "spent_s": self.spent_s, "game": self.game.state()}
        save_state(self._checkpoint, state)
        if good:
            _copy(self._checkpoint, self._checkpoint.with_name(GOOD))
        if self._observer is not None and not good:
            self._note = self._observer.log(self.game, pace.per_second(self.game.n_seen))

    def _go_back(self, why: str) -> None:
        n_rollbacks = self.game.n_rollbacks + 1
        good = self._checkpoint.with_name(GOOD)
        last = good if good.is_file() else self._checkpoint
        if n_rollbacks > MAX_ROLLBACKS or not last.is_file():
            raise Diverged(f"{why}, and {self.game.n_rollbacks} ways back did not help")
        self.game.restore(load_state(last)["game"])
        self.game.n_rollbacks = n_rollbacks


def check_same(found: dict[str, Any], settings: GanSettings) -> None:
    """Complain when a checkpoint was made with other settings than those asked for.

    Raises:
        ValueError: names the setting and both values.
    """
    for field in fields(settings):
        # A checkpoint from before a setting was there was made with its default.
        asked, had = _written(getattr(settings, field.name)), found.get(field.name, _written(field.default))
        if field.name not in FREE and asked != had:
            raise ValueError(f"the checkpoint was made with {field.name} {had}, not {asked}; resume with the same")


def crossed(before: int, after: int, every: int) -> bool:
    """Whether a multiple of `every` lies in (before, after]."""
    return after // every > before // every


class Pace:
    """How fast a run goes and how long it has taken.

    Args:
        n_seen: pictures seen before it began.
    """

    def __init__(self, n_seen: int) -> None:
        self._start_s = self._lap_start_s = self._last_s = time.monotonic()
        self._last_n = n_seen
        self._rate = 0.0

    def is_up(self, minutes: float) -> bool:
        """Whether the time is over; never for 0 minutes."""
        return minutes > 0 and time.monotonic() - self._start_s >= 60 * minutes

    def is_due(self) -> bool:
        """Whether a second has gone by since the last report."""
        return time.monotonic() - self._last_s >= 1.0

    def lap_s(self) -> float:
        """Seconds since the last call, or since the start."""
        now = time.monotonic()
        lap, self._lap_start_s = now - self._lap_start_s, now
        return lap

    def per_second(self, n_seen: int) -> float:
        """Pictures a second since the last call, smoothed."""
        now = time.monotonic()
        rate = max(n_seen - self._last_n, 0) / max(now - self._last_s, 1e-6)
        self._last_s, self._last_n = now, n_seen
        self._rate = rate if self._rate == 0 else 0.8 * self._rate + 0.2 * rate
        return self._rate


def _copy(path: Path, to: Path) -> None:
    part = to.with_name(to.name + ".part")
    shutil.copyfile(path, part)
    part.replace(to)


def _written(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _fabric(settings: GanSettings) -> Any:
    from lightning_fabric import Fabric

    precision: Any = settings.precision
    fabric = Fabric(accelerator=settings.device, devices=settings.n_devices, precision=precision)
    fabric.launch()
    return fabric
