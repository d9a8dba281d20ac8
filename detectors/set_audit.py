"""Audits a picture set before a detector learns from it: what is on both sides of its split, and what gives it away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from detectors.bias import BiasAudit, bias_audit, file_surface
from detectors.data import Example, read_pixels
from detectors.leaks import Leak, leaks
from detectors.lessons import TrainingSettings
from detectors.seen_surface import seen_surface
from detectors.surface_balance import balance


@dataclass(frozen=True)
class SetAudit:
    """What was found.

    Attributes:
        as_files: how far the surface tells the classes of the pictures to learn from, as they lie there.
        as_seen: the same after the washes of training, shrunk as a detector sees them.
        as_weighed: the same with the weights that a recipe gives the pictures; None without a recipe.
        shared_sources: that have pictures to learn from and held-out ones.
        leaks: pictures that are on both sides.
        unread: why pictures were left out, a line each.
    """

    as_files: BiasAudit
    as_seen: BiasAudit
    as_weighed: BiasAudit | None
    shared_sources: tuple[str, ...]
    leaks: tuple[Leak, ...]
    unread: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """Whether it can be learned from: nothing on both sides, and as it is learned from the surface tells little."""
        return (self.as_weighed or self.as_seen).passes and not self.shared_sources and not self.leaks


def audit_set(
    seen: Sequence[Example],
    held_out: Sequence[Example],
    *,
    seed: int = 0,
    settings: TrainingSettings | None = None,
    progress: Callable[[int], None] | None = None,
) -> SetAudit:
    """Audit a set.

    Args:
        seen: pictures to learn from.
        held_out: pictures to judge on; nothing is fitted on them, they are only looked for among the others.
        seed: of washes and folds.
        settings: of the run that is to learn from them: its seed is that of the washes, and pictures are weighed as it
            weighs them. What it leaves out is left out before, see `lessons.usable`.
        progress: called with the number of pictures to learn from that were read since the last call.

    Raises:
        ValueError: too few pictures of a class can be read.
    """
    read, files, washed, unread = [], [], [], []
    for example in seen:
        try:
            pixels = read_pixels(example)
        except ValueError as error:
            unread.append(str(error))
        else:
            read.append(example)
            files.append(file_surface(example, pixels))
            washed.append(seen_surface(pixels, example, seed if settings is None else settings.seed))
        if progress is not None:
            progress(1)
    labels, sources = [e.label for e in read], [e.source for e in read]
    weighed = None if settings is None else balance(washed, labels, sources, settings.surface_balance).audit
    return SetAudit(
        as_files=bias_audit(files, labels, sources, seed=seed),
        as_seen=bias_audit(washed, labels, sources, seed=seed),
        as_weighed=weighed,
        shared_sources=tuple(sorted(set(sources) & {e.source for e in held_out})),
        leaks=leaks(read, held_out),
        unread=tuple(unread),
    )
