"""Checks of generators: seeds, masks and sizes, on a few small pictures."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from forensics.conformance.rules import MAX_SUMMARY, ConformanceError, Rule, check_words, guarded, plain
from forensics.specimens import picture
from generators.base import FakeBatch, Family, Generator, blank
from generators.images import Images, to_float
from generators.weights import ModelCard

SEED = 7
OTHER_SEEDS = (8, 1_000_003, 2**40)

STEP = 1.001 / 255
"""A rounding step of 8 bits, and a thousandth of it for the rounding of the step itself."""

ODD_SIDE_PX = 97
"""A prime: what works in blocks of any size must cope."""

N = 3


def check_generator(kind: type[Generator]) -> None:
    """Check a generator on small pictures of usual and odd sizes, or on none where it needs none. Takes seconds.

    Args:
        kind: the class, made without arguments.

    Raises:
        ConformanceError: it breaks a rule.
        ImportError: it needs a library that is not installed.
    """
    name = check_words(kind, ("about",), allowed="a-z0-9_-")
    if not isinstance(kind.family, Family):
        raise ConformanceError(name, Rule.FAMILY, f"family is {kind.family!r}")
    if not isinstance(kind.needs_sources, bool) or type(kind.min_side_px) is not int or kind.min_side_px < 1:
        raise ConformanceError(name, Rule.WELL_FORMED, f"{kind.needs_sources=}, {kind.min_side_px=}")
    generator = guarded(name, "no picture", kind)
    _check_card(name, generator)
    sources = _odd_pictures(kind.min_side_px) if kind.needs_sources else blank(N)
    together = _forge(generator, sources, SEED)
    _check_repeated(kind, generator, sources, together)
    _check_seeded(generator, sources, together)
    if kind.needs_sources:
        _check_altering(generator, sources, together)
    else:
        _check_making(generator, together)
    _check_refused(generator, "a picture without a batch", sources[0])
    _check_refused(generator, "bytes", (sources * 255).astype(np.uint8))


def _odd_pictures(least_px: int) -> Images:
    """(N, 3, H, W) of odd sides, with values between the steps of 8 bits: outside of masks these must survive, too."""
    height = max(ODD_SIDE_PX, least_px + 1 - least_px % 2)
    pixels = np.stack([picture(seed, width=height + 34, height=height) for seed in range(N)])
    return to_float(pixels) * np.float32(0.97) + np.float32(0.01)


def _check_card(name: str, generator: Generator) -> None:
    card = generator.card
    if card is None:
        return
    if not isinstance(card, ModelCard):
        raise ConformanceError(name, Rule.CARD, f"card is {card!r}")
    for label in ("task", "limits", "licence", "data"):
        if not getattr(card, label):
            raise ConformanceError(name, Rule.CARD, f"the card's {label} is empty")


def _forge(generator: Generator, sources: Images, seed: int) -> FakeBatch:
    """Forge under watch, and check whatever one batch alone can show."""
    name, before = generator.name, sources.tobytes()
    what = f"{len(sources)} of {sources.shape[3]} x {sources.shape[2]}, seed {seed}"
    batch = guarded(name, what, lambda: generator.forge(sources, seed=seed))
    if sources.tobytes() != before:
        raise ConformanceError(name, Rule.UNTOUCHED, "the pixels of a source were changed")
    if not isinstance(batch, FakeBatch) or len(batch) != len(sources):
        raise ConformanceError(name, Rule.WELL_FORMED, f"{what}, gave {batch!r:.80}")
    if (batch.generator, batch.seed) != (name, seed):
        raise ConformanceError(name, Rule.OWN, f"{what}, came back as {batch.generator!r}, seed {batch.seed}")
    for recipe in batch.recipes:
        if not recipe or recipe != plain(recipe) or len(recipe) > MAX_SUMMARY:
            raise ConformanceError(name, Rule.PLAIN, f"a recipe is {recipe!r}")
    if generator.needs_sources:
        _check_place(name, what, sources, batch)
    return batch


def _check_place(name: str, what: str, sources: Images, batch: FakeBatch) -> None:
    if batch.images.shape != sources.shape:
        raise ConformanceError(name, Rule.WELL_FORMED, f"{what}, gave {batch.images.shape}")
    if not batch.masks.any(axis=(1, 2, 3)).all():
        raise ConformanceError(name, Rule.WELL_FORMED, f"{what}, gave an empty mask")
    outside = np.broadcast_to(batch.masks == 0, sources.shape)
    n_changed = int((batch.images[outside] != sources[outside]).sum())
    if n_changed:
        raise ConformanceError(name, Rule.OUTSIDE, f"{what}: {n_changed} values differ there")


def _check_repeated(kind: type[Generator], generator: Generator, sources: Images, together: FakeBatch) -> None:
    again = _forge(generator, sources, SEED)
    second = _forge(guarded(generator.name, "no picture", kind), sources, SEED)
    for how, batch in (("the second time", again), ("by a second object", second)):
        same = np.array_equal(batch.images, together.images) and np.array_equal(batch.masks, together.masks)
        if not same or batch.recipes != together.recipes:
            raise ConformanceError(generator.name, Rule.REPEATED, f"other fakes of the same seed {how}")


def _check_seeded(generator: Generator, sources: Images, together: FakeBatch) -> None:
    for i in range(len(sources)):
        alone = _forge(generator, sources[i : i + 1], SEED + i)
        apart = float(np.abs(alone.images[0] - together.images[i]).max())
        if apart > STEP or not np.array_equal(alone.masks[0], together.masks[i]):
            raise ConformanceError(generator.name, Rule.SEEDED, f"fake {i} alone differs by up to {apart * 255:.1f}")


def _check_altering(generator: Generator, sources: Images, together: FakeBatch) -> None:
    name, least_px = generator.name, generator.min_side_px
    others = [_forge(generator, sources[:1], seed) for seed in OTHER_SEEDS]
    # An autoencoder gives one fake of a photo whatever the seed; who draws a place for the mask must draw another.
    if not together.masks.all() and all(np.array_equal(b.images[0], together.images[0]) for b in others):
        raise ConformanceError(name, Rule.VARIED, f"seeds {(SEED, *OTHER_SEEDS)} gave one fake")
    smallest = to_float(picture(4, width=least_px, height=least_px))
    _forge(generator, smallest, SEED)
    if least_px > 1:
        _check_refused(generator, f"a side of {least_px - 1} pixels", np.repeat(smallest[:, :, 1:], 2, axis=3))


def _check_making(generator: Generator, together: FakeBatch) -> None:
    name = generator.name
    if not together.masks.all() or min(together.images.shape[2:]) != generator.min_side_px:
        said = f"{together.images.shape}, {generator.min_side_px} promised, {together.masks.mean():.0%} in the masks"
        raise ConformanceError(name, Rule.WELL_FORMED, said)
    if not np.array_equal(_forge(generator, _odd_pictures(1), SEED).images, together.images):
        raise ConformanceError(name, Rule.REPEATED, "other fakes beside other sources, though it needs none")
    if any(np.array_equal(one, other) for one, other in combinations(together.images, 2)):
        raise ConformanceError(name, Rule.VARIED, f"seeds {SEED} to {SEED + N - 1} gave one fake twice")


def _check_refused(generator: Generator, what: str, sources: Images) -> None:
    try:
        guarded(generator.name, what, lambda: generator.forge(sources, seed=SEED))
    except ConformanceError as error:
        if isinstance(error.__cause__, ValueError):
            return
        raise ConformanceError(generator.name, Rule.REFUSED, error.what) from error
    raise ConformanceError(generator.name, Rule.REFUSED, f"{what} was taken")
