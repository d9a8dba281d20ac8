"""The page Archive: filters, pages, distributions and exports; and the thumbnails that it shows."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks.archive_pages import fill
from dashboard.backend.archive import PAGE_ROWS, ScanFilter, SortBy, charts, export, listing
from dashboard.backend.keeping import Kept
from dashboard.backend.places import Places, for_eyes_of
from dashboard.backend.thumbnails import Thumbnails
from dashboard.backend.viewing import brief
from dashboard.roles import LOCAL_USER, Role, User
from forensics.finding import Claim, Finding, Trace
from forensics.pictures import pack
from forensics.redrawing import Redrawer
from forensics.settings import ScanSettings
from forensics.store import Store
from forensics.store.runs import Plan, Runs
from forensics.verdict import weigh
from tests.make_dashboard import listed, prepare
from tests.make_dashboard import open_page as open_slowly
from tests.make_media import decode, jpeg, photo
from tests.unit.test_store import report

N_SCANS = 60

EVERYTHING: dict[str, Any] = {"sort": SortBy.TIME, "descending": True}

MODERATOR = User("mo", Role.MODERATOR)


def open_page(path: str, **query: str) -> AppTest:
    """On a crowded machine the first page imports for many seconds."""
    return open_slowly(path, timeout_s=120.0, **query)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    prepare(monkeypatch, tmp_path)
    opened = Store(f"sqlite:///{tmp_path / 'scans.db'}")
    fill(opened, N_SCANS, n_folders=3)
    return opened


def shown(app: AppTest) -> str:
    return " ".join(element.value for element in app.markdown)


def exported(store: Store, form: str, user: User = LOCAL_USER) -> str:
    return export(store, ScanFilter(), form=form, user=user, **EVERYTHING).decode()


def test_the_page_counts_filters_and_turns_over(store: Store) -> None:
    app = open_page("archive")
    assert not app.exception and f"**{N_SCANS}** scans" in shown(app)
    assert len(listed(app)) == PAGE_ROWS
    app.button(key="to Last").click().run()
    assert len(listed(app)) == N_SCANS - 2 * PAGE_ROWS
    assert "Page 3 of 3" in [caption.value for caption in app.caption]
    app.selectbox(key="verdict").set_value("no trace found").run()
    n_quiet = sum(row.opinion == "no trace found" for row in store.find(limit=100))
    assert PAGE_ROWS < n_quiet < N_SCANS and f"**{n_quiet}** scans" in shown(app)
    assert any(caption.value.startswith("Page 1 of") for caption in app.caption)
    app.text_input(key="name").set_value("no such name").run()
    assert "No scan fits" in app.info[-1].value and not app.exception


def test_the_address_alone_leads_to_the_same_page(store: Store) -> None:
    app = open_page("archive", order="Name", page="2", kind="image")
    names = sorted(row.filename for row in store.find(limit=100) if row.kind == "image")
    assert [row["File"] for row in listed(app)] == names[PAGE_ROWS : 2 * PAGE_ROWS]
    for page in ("0", "-1", "x", "٣", "99999999"):
        assert not open_page("archive", page=page).exception


def test_an_empty_archive_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(monkeypatch, tmp_path)
    app = open_page("archive")
    assert "No scan is stored yet" in app.info[-1].value and not app.exception


def test_distributions_hold_every_scan(store: Store) -> None:
    found = charts(store, ScanFilter())
    for counts in (found.scores, found.days, found.folders):
        assert sum(count.number for count in counts) == N_SCANS


def test_exports_hold_every_row_and_no_formula(store: Store) -> None:
    store.save(report(7, name="=HYPERLINK(1).jpg"), elapsed_s=1.0)
    rows = list(
        csv.DictReader(io.StringIO(export(store, ScanFilter(), form="csv", user=LOCAL_USER, **EVERYTHING).decode()))
    )
    lines = [
        json.loads(line)
        for line in export(store, ScanFilter(), form="jsonl", user=LOCAL_USER, **EVERYTHING).splitlines()
    ]
    assert len(rows) == len(lines) == N_SCANS + 1
    assert [row["sha256"] for row in rows] == [line["sha256"] for line in lines]
    odd = export(store, ScanFilter(name="HYPERLINK"), form="csv", user=LOCAL_USER, **EVERYTHING).decode()
    assert "folder/=HYPERLINK(1).jpg" in odd and ",=" not in odd
    with pytest.raises(ValueError, match="no export"):
        export(store, ScanFilter(), form="xls", user=LOCAL_USER, **EVERYTHING)


def test_a_folder_is_named_from_the_scanned_one_on_and_the_name_leads_back_to_it() -> None:
    known = Places(("/srv/media/2024/may", "/srv/media"))
    for whole, short in (("/srv/media", "media"), ("/srv/media/a/b", "media/a/b"), ("/srv/media/2024/may/x", "may/x")):
        assert known.short(whole) == short and known.whole(short) == whole
        assert known.file(f"{whole}/a.jpg") == f"{short}/a.jpg"
    assert known.file("/srv/media") == "media" and known.file("/srv/other/a.jpg") == "…/other/a.jpg"
    assert known.short("/srv/mediation/x") == "…/x" and known.short("") == "" and known.whole("other") == "other"


def test_only_admins_are_told_where_a_file_lies_on_the_server(store: Store, tmp_path: Path) -> None:
    inside = str(tmp_path / "secret" / "inbox")
    Runs(store).claim("inbox", Plan((inside,), ScanSettings()))
    for number, folder in ((70, f"{inside}/may"), (71, str(tmp_path / "secret"))):
        store.save(replace(report(number, name=f"{number}.jpg"), path=f"{folder}/{number}.jpg"), elapsed_s=1.0)
    for form in ("csv", "jsonl"):
        hidden, told = (exported(store, form, user) for user in (MODERATOR, LOCAL_USER))
        assert str(tmp_path) not in hidden and "inbox/may" in hidden and f"{inside}/may" in told
    groups = {count.group for count in charts(store, ScanFilter()).folders}
    assert {"inbox/may", "…/secret"} <= groups
    app = open_page("archive", folder="inbox/may")
    assert [row["Folder"] for row in listed(app)] == ["inbox/may"]
    whole = store.report(store.find(sha256=report(70).sha256)[0].id)
    assert for_eyes_of(MODERATOR, whole).path == "70.jpg" and for_eyes_of(LOCAL_USER, whole) == whole


def test_a_file_inside_a_container_is_traced_to_it_and_its_folder(store: Store, tmp_path: Path) -> None:
    way = f"{tmp_path}/pages/case.zip!/inner/a.pdf!/object-3.jpeg"
    inside = replace(report(80, name="object-3.jpeg"), path=way)
    number = store.save(inside, elapsed_s=1.0, folder="")
    name = "case.zip › inner/a.pdf › object-3.jpeg"
    for asked in ("object-3", "CASE.zip", "a.pdf", "case.zip!/inner/a.pdf", name, name[:30]):
        app = open_page("archive", name=asked)
        assert [(row["File"], row["Folder"]) for row in listed(app)] == [(name, "…/pages")], asked
    assert not listed(open_page("archive", name="pages")), "folders have a filter of their own"
    found = brief(store, number)
    assert found is not None and found.name == name
    assert for_eyes_of(MODERATOR, inside).path == "case.zip!/inner/a.pdf!/object-3.jpeg"
    hidden = exported(store, "csv", MODERATOR)
    assert "case.zip!/inner/a.pdf!/object-3.jpeg" in hidden and str(tmp_path) not in hidden
    assert Places().file(way) == "…/pages/case.zip!/inner/a.pdf!/object-3.jpeg"


def test_why_there_is_no_picture_is_said_as_it_is(store: Store) -> None:
    saved = (
        ("a.zip!/b.jpg", "", "inside a container no pictures are kept"),
        ("c.jpg", "/gone", "no longer where it was examined"),
        ("d.jpg", "", "not kept any more"),
    )
    for number, (path, folder, words) in enumerate(saved, 90):
        scan = store.save(replace(report(number), path=path), elapsed_s=1.0, folder=folder)
        app = open_page("scan", id=str(scan))
        assert not app.exception and [words in note.value for note in app.info] == [True]


def test_a_page_past_the_end_is_the_last(store: Store) -> None:
    assert listing(store, ScanFilter(), number=99, **EVERYTHING).number == 2
    assert listing(store, ScanFilter(name="nothing"), number=99, **EVERYTHING).n_pages == 1


@pytest.fixture(scope="module")
def redrawer() -> Iterator[Redrawer]:
    with Redrawer() as made:
        yield made


def test_thumbnails_come_from_the_file_the_kept_pictures_or_not_at_all_and_are_cached_within_a_bound(
    store: Store, tmp_path: Path, redrawer: Redrawer
) -> None:
    data = [jpeg(photo(number, width=320, height=240)) for number in range(3)]
    for number, one in enumerate(data[:2]):
        (tmp_path / f"{number}.jpg").write_bytes(one)
    hashes = [hashlib.sha256(one).hexdigest() for one in data]
    for digest, folder in zip(hashes, (str(tmp_path), str(tmp_path), ""), strict=True):
        name = f"{hashes.index(digest)}.jpg"
        store.save(report(int(digest, 16), name=name), elapsed_s=1.0, folder=folder)
    (tmp_path / "1.jpg").write_bytes(b"changed")
    kept = Kept(tmp_path / "kept")
    kept.save(hashes[2], pack({0.0: decode(data[2])}, {}))
    rows = [store.find(sha256=digest)[0] for digest in hashes]
    cache = Thumbnails(tmp_path / "cache", kept, redrawer, max_bytes=10_000)
    assert cache.make(rows, budget_s=0.0) == {}
    assert redrawer.thumbnail(tmp_path / "0.jpg", hashes[0])
    found = cache.make(rows, budget_s=60.0)
    assert [len(found[digest]) > 500 for digest in hashes] == [True, False, True]
    assert max(decode(found[hashes[2]]).shape) == 160
    assert cache.make(rows, budget_s=0.0) == found
    cache.trim()
    assert sum(path.stat().st_size for path in (tmp_path / "cache").iterdir()) <= 10_000


def test_no_table_says_that_a_probability_is_certain_and_one_scan_is_one(store: Store) -> None:
    sure = tuple(Finding("noise", trace, "Seen", 3.0, Claim.SYNTHETIC) for trace in (Trace.SENSOR, Trace.LEARNED))
    store.save(replace(report(60, name="sure.jpg"), findings=sure, verdict=weigh(sure)), elapsed_s=1.0)
    app = open_page("archive", name="sure")
    assert [row["Probability"] for row in listed(app)] == ["over 99\u00a0%"]
    assert "**1** scan: 1 likely synthetic" in [line.value for line in app.markdown]
