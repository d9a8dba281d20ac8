"""On how many real pictures the thresholds of a card rest, and what share of false positives they vouch for.

A threshold for 1 of 100 is the score that 1 of 100 held-out reals reach. Of 44 of them that is none: the score of the
highest, from which nobody can tell 1 of 100 from 5. What can be told is a share that is not exceeded, but for bad luck.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from generators.shares import at_most
from generators.weights import ModelCard

_REAL, _FAKE, _CALIBRATED = "real: ", "fake: ", "calibrated on "
_BLENDS = "selfblend: "
_RACED = ("race", "added")
_JUDGED_ON_OTHERS = "residual"


@dataclass(frozen=True)
class Support:
    """A threshold and what it rests on.

    Attributes:
        rate: share of real pictures or clips that reach it, as stated.
        score: from which on.
        n_reals: that were counted; 0 where the card does not say.
    """

    rate: float
    score: float
    n_reals: int

    @property
    def holds(self) -> bool:
        """Whether so many reals can tell this share, or nobody counted them."""
        return not self.n_reals or holds(self.rate, self.n_reals)

    @property
    def at_most(self) -> float:
        """Share of reals that reach the score at most, with 95 % confidence, 0..1; the stated one where nobody counted.

        As if the reals had nothing to do with each other: those of few sources are sure of less.
        """
        return sure_of(self.rate, self.n_reals) if self.n_reals else self.rate

    @property
    def is_loose(self) -> bool:
        """Whether more than twice as many may reach the score as stated."""
        return self.at_most > 2 * self.rate

    def told(self, those: str) -> str:
        """The score and what it rests on, in words.

        Args:
            those: what was counted, to follow the number.
        """
        if not self.n_reals:
            return f"{self.score:.4g}"
        few = "" if self.holds else ", too few to tell so small a share"
        sure = f"with 95 % confidence no more than {per_100(self.at_most)} of 100 reach it"
        return f"{self.score:.4g}; rests on {self.n_reals:,} {those}{few}; {sure}"


def supports(card: ModelCard) -> tuple[Support, ...]:
    """The thresholds of a card, the rarest first."""
    n = n_reals(card)
    return tuple(Support(rate, score, n) for rate, score in card.by_rate())


def threshold_rows(card: ModelCard) -> Iterator[tuple[str, str]]:
    """The thresholds of a card for the command line: what share reaches each, its score and what it rests on."""
    those = "other pictures" if card.says else "real photos or clips" if card.clips else "real photos"
    for bar in supports(card):
        yield f"{bar.rate * 100:g} of 100 {those} reach", bar.told("of them")


def holds(rate: float, n_reals: int) -> bool:
    """Whether so many reals can tell a share from none at all: it is to be one of them at least."""
    return n_reals * rate >= 1


def sure_of(rate: float, n_reals: int) -> float:
    """Share of all reals that reach a threshold at most, with 95 % confidence, 0..1.

    Args:
        rate: that the threshold was set for: so large a share of the counted reals is over it, rounded down.
        n_reals: counted, 1 at least.
    """
    return at_most(int(rate * n_reals + 1e-9), n_reals)


def n_reals(card: ModelCard) -> int:
    """Real pictures or clips that the thresholds rest on, each counted once; 0 where the card does not say.

    Cards of before `ModelCard.n_reals` tell by the sources that they learned from, each of which was held out in turn.
    """
    if card.n_reals or card.name == _JUDGED_ON_OTHERS or any(key in card.settings for key in _RACED):
        return card.n_reals
    # A card that says what it looks for has photos and fakes alike in its other class.
    kinds = (_REAL, _FAKE) if card.says else (_REAL,)
    counted = sum(n for name, n in card.data.items() if name.removeprefix(_CALIBRATED).startswith(kinds))
    if any(name.startswith(_BLENDS) for name in card.data):
        # Each view of a face was a line: there are at least so many faces.
        return math.ceil(counted / int(card.settings.get("n_views", 1)))
    return counted


def per_100(share: float) -> str:
    """A share of 100, rounded up to a tenth."""
    return f"{math.ceil(share * 1000 - 1e-9) / 10:g}"
