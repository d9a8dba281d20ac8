"""What says nothing is refused in one line and makes no file: empty names, numbers that are none, unknown words."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.cli import main
from forensics.store import Store


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scan", ""], "one of the paths is empty"),
        (["scan", "a.jpg", ""], "one of the paths is empty"),
        (["scan", "a.jpg", "--out", ""], "'--out': a directory is wanted, not nothing"),
        (["scan", "a.jpg", "--cameras", ""], "there is no folder ''"),
        (["scan", "a.jpg", "--models", ""], "there is no folder ''"),
        (["scan", "a.jpg", "--image-timeout", "nan"], "nan is no number to count with"),
        (["scan", "a.jpg", "--timeout", "inf"], "inf is no number to count with"),
        (["scan", "a.jpg", "--inside-ratio", "nan"], "nan is no number to count with"),
        (["serve", "--keep-hours", "nan"], "nan is no number to count with"),
        (["serve", "--folder", ""], "a directory is wanted, not nothing"),
        (["serve-keys", "list", "--keys", ""], "a file is wanted, not nothing"),
        (["history", "--store", "nofile.db"], "there is no store 'nofile.db'"),
        (["history", "--store", "sqlite:///nofile.db"], "there is no store 'nofile.db'"),
        (["history", "--opinion", "likley"], "'likley' begins no opinion; there is likely synthetic, "),
        (["history", "--opinion", ""], "begins no opinion"),
        (["history", "--sha", "zz"], "'zz' begins no SHA-256"),
        (["history", "--sha", "0" * 65], "begins no SHA-256"),
    ],
)
def test_it_is_told_in_one_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert main(arguments) == 2
    said = capfd.readouterr()
    assert words in said.err and len(said.err.splitlines()) == 1 and said.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [("--opinion", "LIKELY"), ("--opinion", "no trace found"), ("--sha", "00fF")])
def test_what_history_takes_it_looks_for(given: tuple[str, str], tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 's.db'}"
    Store(store).close()
    assert main(["history", *given, "--store", store]) == 0
