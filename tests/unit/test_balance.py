"""The balance of the game: augmentation and the ratio of steps follow the readings."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from generators.gan.balance import Balance, mean_sign  # noqa: E402


def after(balance: Balance, sign: float, n_steps: int, max_strength: float = 1.0) -> Balance:
    for _ in range(n_steps):
        balance = balance.after(sign, 100, max_strength=max_strength)
    return balance


def test_a_discriminator_that_is_too_sure_gets_harder_pictures() -> None:
    assert after(Balance(strength=0.2), 1.0, 200).strength > 0.2
    assert after(Balance(strength=0.2), 0.1, 200).strength < 0.2


def test_the_strength_stays_within_its_bounds() -> None:
    assert after(Balance(), 1.0, 10_000, max_strength=0.3).strength == pytest.approx(0.3)
    assert after(Balance(strength=0.3), 0.0, 10_000).strength == 0.0


def test_the_one_that_wins_learns_less_often() -> None:
    assert after(Balance(), 1.0, 200).d_per_g == 0.5
    assert after(Balance(), 0.0, 200).d_per_g == 2.0
    assert after(Balance(d_per_g=0.5), 0.6, 200).d_per_g == 1.0


def test_a_ratio_does_not_flicker_at_a_border() -> None:
    assert after(Balance(sign=0.95, d_per_g=0.5), 0.95, 5).d_per_g == 0.5


def test_the_sign_counts_pairs_and_knows_no_zero() -> None:
    real, fake = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([0.0, 3.0, 2.0, 3.0])
    assert mean_sign(real, fake) == pytest.approx(0.5)
    assert mean_sign(real + 9, fake + 9) == pytest.approx(0.5)
