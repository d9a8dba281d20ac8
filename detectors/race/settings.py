"""Settings of a race, stored beside it: a race that is resumed goes on with the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from detectors.attacks.base import Effort
from detectors.race.gate import GateSettings
from detectors.recipe import Recipe
from generators.trainers import check_finite

DEFENCES = ("none", "naive", "replay", "replay_distillation", "selective", "joint")
"""Ways to learn from a round: not at all; from its fakes alone; with earlier rounds from memory; with what the standing
version says of these besides; the same without new kinds that would cost earlier ones too much; and everything ever
seen, from the start."""

SELECTIVE = "selective"
"""The way that leaves new kinds for later."""

MAY_CHANGE = ("rounds", "minutes")
"""Settings that a resumed race may change: they decide how long it goes on and not what a round does."""


@dataclass(frozen=True)
class RaceSettings(Recipe):
    """What a race depends on besides the pictures.

    Attributes:
        detector: name of the one that is attacked and learns.
        attacks: names in `detectors.attacks.catalog.ATTACKS`.
        unseen: generators whose fakes are never learned from.
        unseen_families: families of the known pictures that are never learned from.
        rounds: after the seed round.
        minutes: for all of it; 0 is no limit. Attacks get `attack_share` of what is left for a round.
        attack_share: 0..1.
        n_photos: real photos at most; the first by the hash of their paths.
        n_fakes: of each attack and round, one for each of as many photos; half are learned from.
        n_views: washed views of what is learned from.
        n_known: known pictures at most that are gone through before the race, of each source and class.
        memory: pictures of earlier rounds and of what was known that are learned from again.
        defence: the way to learn whose outcome may be promoted.
        distillation: share 0..1 of the standing version's opinion in the targets of what is learned again.
        selective_cost: mean AUROC that earlier kinds may lose on calibration pictures; over it new ones are left out.
        new_share: share 0..1 of the weight that a round's fakes and photos have beside what is remembered.
        tether: strength that holds the reading to the standing one, per unit of the mean loss.
        seed: of everything that is drawn.
        n_steps, n_iterations, n_queries, batch_size, epsilon: see `detectors.attacks.base.Effort`.
        tolerance, max_forgetting, max_false_positives: see `detectors.race.gate.GateSettings`.
    """

    detector: str = "synthetic"
    attacks: tuple[str, ...] = (
        *("gan-face", "gan-photo", "reconstruct", "laundering", "selfblend"),
        *("pgd", "transfer"),
    )
    unseen: tuple[str, ...] = ("superres-x4",)
    unseen_families: tuple[str, ...] = ()
    rounds: int = 2
    minutes: float = 0.0
    attack_share: float = 0.6
    n_photos: int = 600
    n_fakes: int = 120
    n_views: int = 2
    n_known: int = 60
    memory: int = 2000
    defence: str = SELECTIVE
    distillation: float = 1.0
    selective_cost: float = 0.01
    new_share: float = 0.5
    tether: float = 0.1
    seed: int = 0
    n_steps: int = 80
    n_iterations: int = 10
    n_queries: int = 40
    batch_size: int = 8
    epsilon: float = 4 / 255
    tolerance: float = 0.02
    max_forgetting: float = 0.02
    max_false_positives: float = 0.08

    def __post_init__(self) -> None:
        self._check_numbers()
        if self.defence not in DEFENCES:
            raise ValueError(f"no defence {self.defence!r}; there is {', '.join(DEFENCES)}")
        if not self.attacks or len(set(self.attacks)) < len(self.attacks):
            raise ValueError("a race needs attacks, each of them once")
        if self.rounds < 0 or self.minutes < 0 or min(self.n_photos, self.n_fakes, self.n_views, self.n_known) < 1:
            raise ValueError("rounds and minutes are 0 or more, numbers of pictures and views 1 or more")
        for name in ("attack_share", "distillation", "new_share", "selective_cost"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} lies within 0 and 1, not {getattr(self, name)}")
        if self.tether <= 0.0 or min(self.memory, self.seed) < 0:
            raise ValueError("the tether is above 0, memory and seed are 0 or more")
        # Both complain by themselves.
        _ = self.effort(0), self.gate

    def _check_numbers(self) -> None:
        check_finite(self)
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, int) and not isinstance(value, int):
                raise ValueError(f"{field.name} must be a whole number, not {value!r}")

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> RaceSettings:
        """From plain values, as a race stores them."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
        return cls(**values)

    @property
    def gate(self) -> GateSettings:
        """What the gate allows."""
        return GateSettings(self.tolerance, self.max_forgetting, self.max_false_positives)

    def effort(self, number: int, minutes: float = 0.0) -> Effort:
        """Limits of an attack in a round."""
        return Effort(
            n_steps=self.n_steps,
            n_iterations=self.n_iterations,
            n_queries=self.n_queries,
            batch_size=self.batch_size,
            epsilon=self.epsilon,
            minutes=minutes,
            seed=self.seed * 1000 + number,
        )

    def check_resumed(self, asked: RaceSettings) -> None:
        """Complain where a race was begun with other settings than are asked for.

        Raises:
            ValueError: names the setting and both values.
        """
        for field in fields(self):
            had, wants = getattr(self, field.name), getattr(asked, field.name)
            if field.name not in MAY_CHANGE and had != wants:
                raise ValueError(f"the race was begun with {field.name} {had}, not {wants}; resume with the same")
