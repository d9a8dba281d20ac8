"""Who may ask a server, and how often: keys are stored as hashes, buckets fill up evenly."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.api.keys import Key, KeyRing, new_secret, read, write
from forensics.api.rates import Rates


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_bucket_fills_up_evenly_and_says_how_long_it_takes() -> None:
    clock = Clock()
    rates = Rates(clock)
    assert [rates.take("a", "requests", 1, 6) for _ in range(7)] == [0] * 6 + [10]
    clock.now_s = 10.0
    assert [rates.take("a", "requests", 1, 6) for _ in range(2)] == [0, 10]
    assert rates.take("b", "requests", 1, 6) == 0


def test_what_is_larger_than_the_bucket_passes_once_it_is_full_and_leaves_a_debt() -> None:
    clock = Clock()
    rates = Rates(clock)
    assert rates.take("a", "bytes", 300, 100) == 0
    assert rates.take("a", "bytes", 1, 100) == 121
    clock.now_s = 121.0
    assert rates.take("a", "bytes", 1, 100) == 0
    rates.charge("a", "bytes", 1000, 100)
    assert rates.take("a", "bytes", 1, 100) > 500


def test_a_key_is_good_until_its_line_is_gone_and_is_never_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    shown, secret = new_secret("camera-desk")
    key = Key("camera-desk", "press", ("scan", "read"), secret, requests_per_min=5)
    write(path, [key])
    ring = KeyRing(path)
    assert ring.remembered(shown) is None
    assert ring.find(shown) == key == ring.remembered(shown)
    assert ring.find(shown + "x") is None and ring.find("nobody.x") is None
    assert shown.partition(".")[2] not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert read(path) == (key,)
    write(path, [])
    assert ring.find(shown) is None and ring.remembered(shown) is None


@pytest.mark.parametrize(
    "line",
    ["a:b:scan:-:-", "a:b:fly:-:-:x", "a/b:b:scan:-:-:x", "a:b c:scan:-:-:x", "a:b:scan:0:-:x", "a:b:scan:-:x:x"],
)
def test_a_damaged_line_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "keys").write_text(f"# head\n{line}\n")
    with pytest.raises(ValueError, match="line 2"):
        read(tmp_path / "keys")
