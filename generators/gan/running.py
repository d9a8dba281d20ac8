"""One GAN run from pictures to trained networks: saves, ways back and the clock around the game itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from generators.checkpoints import load_state, save_state
from generators.gan.settings import GanSettings
from generators.gan.training import CriticLike, Game
from generators.runs import CHECKPOINT, Diverged, Pace, check_same, counted_rollback, crossed, launch, plain_settings
from generators.trainers import Progress
from generators.whole_files import write_whole

T = TypeVar("T")

GOOD = "good.safetensors"
"""The checkpoint of the last evaluation that found nothing wrong; the newest one may have caught the trouble."""


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

    Attributes:
        n_resumes: how often it went on from a checkpoint.
        spent_s: seconds that it has taken, over all its starts.
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
        self._fabric = launch(settings)
        self.game = Game(pixels, settings, self._fabric, critic)
        self._checkpoint = out / CHECKPOINT
        if settings.start_from:
            self.game.start_from(load_state(Path(settings.start_from))["game"])
        self.spent_s, self.n_resumes = 0.0, 0
        self._note = ""
        self._saved_at = -1
        self._settings, self._observer = settings, observer
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
        # Checkpoints of before did not count.
        self.spent_s, self.n_resumes = state["spent_s"], state.get("n_resumes", 0) + 1

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
        self.spent_s += pace.lap_s()
        state = {
            "settings": plain_settings(self._settings),
            "pictures": self._pictures,
            "spent_s": self.spent_s,
            "n_resumes": self.n_resumes,
            "game": self.game.state(),
        }
        save_state(self._checkpoint, state)
        if good:
            write_whole(self._checkpoint.with_name(GOOD), self._checkpoint.read_bytes())
        if self._observer is not None and not good:
            self._note = self._observer.log(self.game, pace.per_second(self.game.n_seen))

    def _go_back(self, why: str) -> None:
        good = self._checkpoint.with_name(GOOD)
        last = good if good.is_file() else self._checkpoint
        if not last.is_file():
            raise Diverged(f"{why}, before anything was saved")
        n_rollbacks = counted_rollback(self.game.n_rollbacks, why)
        self.game.restore(load_state(last)["game"])
        self.game.n_rollbacks = n_rollbacks
