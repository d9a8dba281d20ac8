"""What watches over a GAN run: figures of its fakes, alarms, samples, curves. It draws nothing from the run's seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from generators.gan.balance import mean_sign
from generators.gan.settings import GanSettings
from generators.gan.training import Game
from generators.quality.alarms import decide
from generators.quality.curves import Curves
from generators.quality.log import LOG, LogLine, append, read
from generators.quality.monitor import Quality, Reference, measure, see
from generators.quality.neighbours import Memory
from generators.quality.sheets import nearest_sheet, sample_sheet, write_sheet

SAMPLES, NEAREST = "samples.png", "nearest.png"

N_SHOWN = 64
"""Pictures of a sheet, by the same latents at every evaluation, so that one sees them change."""

N_NEAREST = 16

N_TRAIN_SEEN = 4_000
"""Training pictures that evaluations on the way look at; the last one looks at all."""

N_PAIRS = 512
"""Held-out reals, beside as many fakes, whose sign is read."""

CACHE = "seen"


class Watch:
    """Looks on at a run and writes into its folder: log, samples, nearest training pictures, curves.

    Args:
        learnt, held_out: (N, S, S, 3) and (M, S, S, 3) uint8.
        out: the run's folder.
        settings: of the run.
    """

    def __init__(
        self, learnt: NDArray[np.uint8], held_out: NDArray[np.uint8], out: Path, settings: GanSettings
    ) -> None:
        self._learnt, self._held_out, self._out, self._settings = learnt, held_out, out, settings
        self._curves = Curves(out)
        self._reference: Reference | None = None
        # Drawn, as folders are sorted by what their names say: the first ones are of one kind.
        rng = np.random.default_rng(settings.seed)
        self._seen = np.sort(rng.permutation(len(learnt))[:N_TRAIN_SEEN])
        self._shown = self._latents(N_SHOWN, settings.seed)

    def log(self, game: Game, per_second: float) -> str:
        """One line and the sheet of samples.

        Returns:
            What is wrong, in plain words; "" for nothing.
        """
        self._append(game, per_second, None)
        write_sheet(self._out / SAMPLES, sample_sheet(game.sample(self._shown)))
        return decide(self._history).note

    def evaluate(self, game: Game, per_second: float) -> str | None:
        """One line with figures, sheets and curves; see `Observer.evaluate`."""
        some = self._learnt[self._seen]
        quality, copies, fakes = self._measure(game, some, self._settings.n_quality)
        self._append(game, per_second, quality)
        decision = decide(self._history)
        write_sheet(self._out / SAMPLES, sample_sheet(game.sample(self._shown)))
        write_sheet(self._out / NEAREST, nearest_sheet(fakes[:N_NEAREST], some[copies.nearest[:N_NEAREST]]))
        self._curves.draw(self._history)
        return decision.note if decision.roll_back else None

    def final(self, game: Game) -> Quality:
        """Figures for the card: on as many fakes as there are held-out reals, and against all that was learnt from."""
        self._reference = None
        quality, copies, fakes = self._measure(game, self._learnt, len(self._held_out))
        closest = np.argsort(copies.ratio)[:N_NEAREST]
        write_sheet(self._out / NEAREST, nearest_sheet(fakes[closest], self._learnt[copies.nearest[closest]]))
        return quality

    @property
    def _history(self) -> Sequence[LogLine]:
        return read(self._out / LOG)

    def _measure(
        self, game: Game, learnt: NDArray[np.uint8], n_fakes: int
    ) -> tuple[Quality, Memory, NDArray[np.uint8]]:
        if self._reference is None:
            cache = self._out / CACHE
            reals, train = see(self._held_out, cache=cache), see(learnt, cache=cache)
            self._reference = Reference.of(reals, train.features, n_fakes=n_fakes, seed=self._settings.seed)
        fakes = game.sample(self._latents(n_fakes, self._settings.seed + 1))
        quality, copies = measure(see(fakes), self._reference, seed=self._settings.seed)
        return quality, copies, fakes

    def _append(self, game: Game, per_second: float, quality: Quality | None) -> None:
        reading = game.reading
        line = LogLine(
            n_seen=game.n_seen,
            loss_d=reading.loss_d,
            loss_g=reading.loss_g,
            sign_real=game.balance.sign,
            sign_held_out=None if quality is None else self._sign_held_out(game),
            r1=reading.r1,
            r2=reading.r2,
            augment=game.balance.strength,
            d_per_g=game.balance.d_per_g,
            per_second=per_second,
            finite=not game.is_broken,
            quality=quality,
        )
        append(self._out / LOG, line)

    def _sign_held_out(self, game: Game) -> float:
        """As the balance reads it, on reals that are not learnt: some of them, against the learning generator."""
        rng = np.random.default_rng(self._settings.seed)
        reals = self._held_out[rng.permutation(len(self._held_out))[:N_PAIRS]]
        fakes = game.sample(self._latents(len(reals), self._settings.seed + 2), averaged=False)
        return mean_sign(game.logits(reals), game.logits(fakes))

    def _latents(self, n: int, seed: int) -> torch.Tensor:
        return torch.randn(n, self._settings.latent, generator=torch.Generator().manual_seed(seed))
