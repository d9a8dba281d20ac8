"""What a trained detector says, in sentences and rows: how rare a score is, what it is taken for, what it is like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from detectors.base import Neighbour
from detectors.conformal import Label, in_words, label
from detectors.lineage import Lineage
from detectors.support import per_100, supports
from generators.weights import ModelCard

_EXPLANATION = (
    "A trained network compares {} it has seen. It cannot say why, it may be wrong on generators newer than itself, "
    "and strong compression or shrinking takes away what it looks at."
)

PICTURE_EXPLANATION = _EXPLANATION.format("the picture with the fakes and real photos")

FRAMES_EXPLANATION = (
    _EXPLANATION.format("frames of the clip with the fakes and real photos")
    + " Frames of a clip are not independent: the middle one in rank stands for all."
)

CLIP_EXPLANATION = _EXPLANATION.format("the clip with the fakes and real clips")
"""For detectors that see all frames of a clip together."""

_UNDECIDED = "; inconclusive: to take it for either, more than {} would have to be taken wrongly"

_LABELS: Mapping[Label, str] = {
    Label.FAKE: "; it takes this for a fake, as it does at most {} real photos",
    Label.PHOTO: "; it takes this for a photo, as it does at most {} fakes",
    Label.UNDECIDED: _UNDECIDED,
}

_CLIP_LABELS: Mapping[Label, str] = {
    Label.FAKE: "; it takes this for a fake, as it does at most {} real clips",
    Label.PHOTO: "; it takes this for a real clip, as it does at most {} fakes",
    Label.UNDECIDED: _UNDECIDED,
}
_CLIP_NAMES: Mapping[Label, str] = {Label.FAKE: "fake", Label.PHOTO: "real clip", Label.UNDECIDED: "undecided"}
"""For detectors that see all frames of a clip together."""

_OTHER_LABELS: Mapping[Label, str] = {
    Label.FAKE: "; it takes this to be so, as it does at most {} other pictures",
    Label.PHOTO: "; it takes this not to be so, as it does at most {} of those that are",
    Label.UNDECIDED: _UNDECIDED,
}
"""For detectors whose cards say what they look for: their other class holds photos and fakes alike."""

_OTHER_NAMES: Mapping[Label, str] = {Label.FAKE: "yes", Label.PHOTO: "no", Label.UNDECIDED: "undecided"}


def sought(card: ModelCard, usual: str) -> str:
    """What a high score speaks for, in words: those of the card, or the usual ones of its claim."""
    return card.says or usual


def rarity(card: ModelCard, score: float, *, whole_clip: bool = False) -> str:
    """How usual such a score is on real photos or clips, by the thresholds of the card, and on how many that rests.

    That more than a share reach a score is not said of a share that so few reals could not tell from none.

    Args:
        card: of the detector.
        score: 0..1.
        whole_clip: the score is of all frames of a clip together, and so are the thresholds. Not for the middle of
            scores of single frames, which stand beside the thresholds of single pictures.
    """
    told = supports(card)
    reached = [one for one in told if score >= one.score]
    missed = [one for one in told if score < one.score and one.holds]
    if reached:
        bar = reached[0]
        share = f"{missed[-1].rate * 100:g} to {bar.rate * 100:g}" if missed else f"at most {bar.rate * 100:g}"
    elif missed:
        bar = missed[-1]
        share = f"more than {bar.rate * 100:g}"
    else:
        return ""
    counted = f" (counted on {bar.n_reals:,})" if bar.n_reals else ""
    if reached and bar.is_loose:
        counted = f" (counted on {bar.n_reals:,}; sure is only that no more than {per_100(bar.at_most)} of 100 do)"
    return f", which {share} of 100 {_those(card, whole_clip)} reach{counted}"


def threshold_rows(card: ModelCard, *, whole_clip: bool = False) -> Iterable[tuple[str, str]]:
    """Each threshold, and on how many reals it rests."""
    for bar in supports(card):
        yield f"threshold for {bar.rate * 100:g} of 100", bar.told(_those(card, whole_clip))


def _those(card: ModelCard, whole_clip: bool) -> str:
    return "other pictures" if card.says else "real clips" if whole_clip else "real photos"


def taken_for(card: ModelCard, score: float, *, whole_clip: bool = False) -> str:
    """What the detector takes it for, with the share of errors that was promised; "" without a promise."""
    found = label(card, score)
    labels = _OTHER_LABELS if card.says else _CLIP_LABELS if whole_clip else _LABELS
    return "" if found is None else labels[found[0]].format(in_words(found[1]))


def label_rows(card: ModelCard, score: float, *, whole_clip: bool = False) -> Iterable[tuple[str, str]]:
    """The same as a row of a table."""
    found = label(card, score)
    if found is not None:
        name = _OTHER_NAMES[found[0]] if card.says else _CLIP_NAMES[found[0]] if whole_clip else found[0]
        yield "taken for", f"{name} (at most {in_words(found[1])} of either kind is taken for the other)"


def card_rows(card: ModelCard, *, whole_clip: bool = False) -> Iterable[tuple[str, str]]:
    """What the finding rests on.

    Args:
        card: of the detector.
        whole_clip: see `rarity`.
    """
    yield "version", card.version
    yield "weights, SHA-256", card.sha256 or "none"
    yield from threshold_rows(card, whole_clip=whole_clip)
    if card.limits:
        yield "limits", card.limits
    if card.measures:
        yield "figures of its card", "; ".join(f"{label}: {value:.4g}" for label, value in card.measures.items())


def lineage_rows(lineage: Lineage | None) -> Iterable[tuple[str, str]]:
    """Where weights come from that were learned here."""
    if lineage is not None:
        yield "this version", lineage.in_words()
        yield "learned at", lineage.made_at
        yield "learned from", "; ".join(f"{part}: {digest}" for part, digest in lineage.data.items()) or "unstated"


def neighbour_rows(neighbours: Sequence[Neighbour]) -> Iterable[tuple[str, str]]:
    """The training pictures that are most like this one: whoever finds only fakes of one generator there sees why."""
    for place, near in enumerate(neighbours, 1):
        made = f"fake, {near.generator}" if near.is_fake else "photo"
        yield f"training picture {place} in nearness", f"{made}, from {near.source}, distance {near.distance:.1f}"
