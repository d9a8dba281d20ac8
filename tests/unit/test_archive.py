"""Pages of the archive are what sorting and filtering everything in Python would show."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from operator import attrgetter

import pytest

from benchmarks.archive_pages import fill
from forensics.store import ScanRow, Store
from forensics.store.archive import Archive, SortBy, by_opinion
from forensics.store.filters import ScanFilter
from tests.make_report import report

N_SCANS = 83

KEYS = {
    SortBy.TIME: "scanned_at",
    SortBy.WEIGHT: "llr",
    SortBy.NAME: "filename",
    SortBy.FOLDER: "folder",
    SortBy.SIZE: "size_bytes",
}

FILTERS = [
    ScanFilter(),
    ScanFilter(opinion="likely"),
    ScanFilter(name="img_"),
    ScanFilter(name="7", kind="image"),
    ScanFilter(folder="/archive/2000/"),
    ScanFilter(folder="/archive/200"),
    ScanFilter(least_llr=0.2),
    ScanFilter(sha256="0000000"),
    ScanFilter(since="2026-01-01T05", until="2026-01-01T20"),
]


@pytest.fixture
def store(url: str) -> Store:
    opened = Store(url)
    fill(opened, N_SCANS, n_folders=4)
    return opened


def fits(row: ScanRow, wanted: ScanFilter) -> bool:
    folder = (wanted.folder or "").rstrip("/")
    return (
        row.opinion.startswith(wanted.opinion or "")
        and (wanted.name or "").lower() in row.filename.lower()
        and wanted.kind in (None, row.kind)
        and (not folder or row.folder == folder or row.folder.startswith(folder + "/"))
        and (wanted.least_llr is None or row.llr >= wanted.least_llr)
        and row.sha256.startswith(wanted.sha256 or "")
        and (wanted.since or "") <= row.scanned_at < (wanted.until or "9")
    )


@pytest.mark.parametrize("sort", list(SortBy))
@pytest.mark.parametrize("descending", [True, False])
def test_pages_hold_every_scan_once_in_order(store: Store, sort: SortBy, descending: bool) -> None:
    with store:
        archive = Archive(store)
        everything = sorted(
            store.find(limit=1000), key=lambda row: (getattr(row, KEYS[sort]), row.id), reverse=descending
        )
        assert len(everything) == N_SCANS
        for n_rows in (None, N_SCANS):
            pages = [
                archive.page(sort=sort, descending=descending, number=n, size=10, n_rows=n_rows) for n in range(10)
            ]
            assert [len(page) for page in pages] == [10] * 8 + [3, 0]
            assert [row.id for page in pages for row in page] == [row.id for row in everything]


@pytest.mark.parametrize("wanted", FILTERS, ids=repr)
def test_filters_and_counts_are_those_of_python(store: Store, wanted: ScanFilter) -> None:
    with store:
        archive = Archive(store)
        right = [row for row in store.find(limit=1000) if fits(row, wanted)]
        expected = Counter(row.opinion for row in right)
        assert sorted(archive.page(wanted, size=100), key=attrgetter("id")) == sorted(right, key=attrgetter("id"))
        assert archive.opinions(wanted) == expected
        for counts in (archive.scores(wanted), archive.days(wanted), archive.folders(wanted)):
            found: Counter[str] = Counter()
            for count in counts:
                found[count.opinion] += count.number
            assert found == expected
        groups = by_opinion(archive.folders(wanted))
        assert {f: sum(o.values()) for f, o in groups.items()} == Counter(row.folder for row in right)
        sizes = [sum(opinions.values()) for opinions in groups.values()]
        assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("base", ["", "/srv/case.zip holidays/", "s3://bucket/in/"])
def test_files_are_found_by_their_containers_and_not_by_the_folders_of_these(url: str, base: str) -> None:
    ways = (
        "Holiday.zip!/img_001.jpg",
        "Holiday.zip!/in/scan.pdf!/object-3.jpeg",
        "holiday.zip/odd.jpg",
        "%.zip!/b.jpg",
    )
    with Store(url) as store:
        for number, way in enumerate(ways):
            found = replace(report(filename=way.rpartition("/")[2], path=base + way), sha256=f"{number:064x}")
            store.save(found, elapsed_s=1.0)

        def named(name: str) -> set[str]:
            return {row.path.removeprefix(base) for row in Archive(store).page(ScanFilter(name=name))}

        first, second, third, fourth = ways
        assert named("holiday.zip") == {first, second}
        assert named("HOLIDAY.ZIP!/img_001.jpg") == {first}
        assert named("scan.pdf") == named("zip!/in/scan.pdf!/obj") == {second}
        assert named("object-3") == {second} and named("odd") == {third} and named("%.zip") == {fourth}
        assert named("srv") == named("bucket") == named("case") == named("holiday.zip/") == set()
        assert named("") == {*ways}


def test_scores_fall_into_the_bin_that_holds_them(store: Store) -> None:
    with store:
        expected = Counter(f"{int(row.probability * 20) / 20:.2f}" for row in store.find(limit=1000))
        found = {group: sum(o.values()) for group, o in by_opinion(Archive(store).scores()).items()}
    assert found == expected


@pytest.mark.parametrize("sort", [SortBy.NAME, SortBy.FOLDER])
def test_an_export_in_chunks_holds_every_scan_once(store: Store, sort: SortBy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.store.archive.EXPORT_ROWS", 7)
    with store:
        archive = Archive(store)
        for descending in (True, False):
            rows = list(archive.rows(sort=sort, descending=descending))
            assert rows == archive.page(sort=sort, descending=descending, size=1000)


def test_a_page_before_the_first_is_the_callers_mistake(store: Store) -> None:
    with store, pytest.raises(ValueError, match="no page -1"):
        Archive(store).page(number=-1)
