"""What opens a place to whoever reads it stands in no result, log or store; and a run over such a place goes on."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.addresses import MASK, is_masked, shown_url
from forensics.cli import main
from forensics.inputs import expand
from forensics.remote import _unreadable
from forensics.settings import ScanSettings
from forensics.store.runs import Plan
from tests.make_containers import zipped
from tests.unit.test_remote import picture, place

__all__ = ["place"]

SECRET = "s3cr3tsignature"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://b.example/k/a.jpg?X-Amz-Date=2026&X-Amz-Signature=ab/c", "?X-Amz-Date=***&X-Amz-Signature=***"),
        ("https://b.example/k/a.jpg?sig=a%2Fb;se=1#token=x", "?sig=***;se=***#***"),
        ("HTTP://b.example/k/a.jpg?c2VjcmV0==", "?***"),
        ("https://b.example/k/a.jpg?" + "x" * 60 + "=1", "?***"),
        ("https://b.example/k/a.jpg?next=https://c.example/?token=x", "?next=***"),
        ("https://me:p?ss@b.example/k/a.jpg?a=x:y@z", "?a=***"),
        ("https://token@b.example/k/a.jpg", ""),
    ],
)
def test_the_place_and_names_stay_and_values_go(url: str, shown: str) -> None:
    told = shown_url(url)
    assert told == f"{url.partition('://')[0]}://b.example/k/a.jpg{shown}"
    assert shown_url(told) == told and is_masked(told) is (MASK in shown) and not is_masked(url)


@pytest.mark.parametrize(
    "url", ["s3://b/what?.jpg", "sftp://ann@h/a#1.jpg", "https://h/@ann/a.jpg", "https://h/a.jpg?"]
)
def test_what_holds_no_secret_stays_as_it_is(url: str) -> None:
    assert shown_url(url) == url and not is_masked(url)


def test_addresses_that_look_the_same_without_their_secrets_are_told_apart() -> None:
    urls = [f"https://h.invalid/get/a.jpg?id={number}" for number in (7, 8, 7, 9)]
    tasks = list(expand(urls, remote=True))
    shown = "https://h.invalid/get/a.jpg?id=***"
    assert [task.shown for task in tasks] == [shown, f"{shown} (2)", f"{shown} (3)"]
    assert {task.name for task in tasks} == {"a.jpg"} and [task.url for task in tasks] == [urls[0], urls[1], urls[3]]


def test_words_of_a_place_lose_the_values_of_its_address() -> None:
    error = _unreadable(ValueError(f"no {SECRET}, 404"), f"https://h/a.jpg?token={SECRET}&page=4#x=1")
    assert str(error) == "it cannot be fetched: no ***, 404"
    error = _unreadable(ValueError("no seCre/t"), "https://h/a.jpg?token=seCre%2Ft")
    assert str(error) == "it cannot be fetched: no ***"


def test_a_plan_is_kept_without_secrets() -> None:
    plan = Plan((f"https://h/a.jpg?token={SECRET}", "/media"), ScanSettings())
    assert SECRET not in plan.to_text() and Plan.from_text(plan.to_text()).sources[1] == "/media"


def kept(path: Path) -> Iterator[bytes]:
    """Everything that a store holds, unpacked."""
    with sqlite3.connect(path) as store:
        for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in store.execute(f"SELECT * FROM {table}"):
                for value in row:
                    data = value if isinstance(value, bytes) else str(value).encode()
                    yield zlib.decompress(data) if data[:1] == b"\x78" else data


def test_a_run_over_signed_addresses_keeps_no_signature_and_goes_on_with_another_one(
    tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(1))
    (tmp_path / "x.zip").write_bytes(zipped({"in/b.jpg": picture(2)}))
    out, store = tmp_path / "out", tmp_path / "s.db"
    options = ["--run", "r", "--remote", "--analyzers", "metadata", "--store", str(store), "--out", str(out)]
    options += ["--log-json", "--format", "html,json"]

    def scan(signature: str) -> str:
        names = ("a.jpg", "x.zip", "gone.jpg")
        urls = [f"http://{place}/{name}?X-Amz-Expires=5&X-Amz-Signature={signature}#tok={signature}" for name in names]
        assert main(["scan", *urls, *options]) == 3
        said = capsys.readouterr()
        assert signature not in said.out + said.err
        for path in out.rglob("*"):
            assert path.is_dir() or signature.encode() not in path.read_bytes(), path.name
        assert not [data for data in kept(store) if signature.encode() in data]
        return said.out

    shown = "X-Amz-Expires=***&X-Amz-Signature=***#***"
    assert f"http://{place}/a.jpg?{shown}\t" in scan(SECRET)
    assert f"http://{place}/a.jpg?{shown},".encode() in (out / "results.csv").read_bytes()
    assert main(["scan", "--resume", "r", "--remote", "--store", str(store)]) == 2
    said = capsys.readouterr().err
    assert f"parts of http://{place}/a.jpg?{shown} are kept nowhere" in said and len(said.splitlines()) == 1
    scan("renewed" + SECRET)
    assert main(["runs", "show", "r", "--store", str(store), "--json"]) == 0
    states = capsys.readouterr().out
    assert SECRET not in states and '"unchanged": 2' in states and '"gone": 0' in states
