"""The archive for the page of that name: filters, pages, distributions and exports."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from dashboard.backend.places import Places, places, without_folder
from dashboard.roles import Role, User
from forensics.containers.member import INTO
from forensics.hostile_text import one_line
from forensics.report_table import FORMULA_STARTS
from forensics.report_words import INSIDE
from forensics.store import ScanRow, Store
from forensics.store.archive import N_SCORE_BINS, Archive, Count, SortBy
from forensics.store.filters import ScanFilter
from forensics.verdict import Opinion

__all__ = ["BINS", "OPINIONS", "Charts", "Count", "Listing", "Places", "ScanFilter", "ScanRow", "SortBy"]
__all__ += ["charts", "export", "listing", "name_part", "one_line", "places"]

OPINIONS = tuple(str(opinion) for opinion in Opinion)

BINS = tuple(f"{place / N_SCORE_BINS:.2f}" for place in range(N_SCORE_BINS))
"""Groups of probabilities, whether or not anything is in them."""

PAGE_ROWS = 25

MAX_EXPORT_ROWS = 200_000
"""Rows of an export, which is made in memory: about 80 MB."""

COLUMNS = (
    "id",
    "scanned_at",
    "opinion",
    "probability",
    "llr",
    "kind",
    "format",
    "size_bytes",
    "sha256",
    "path",
    "folder",
)


@dataclass(frozen=True)
class Listing:
    """One page, and where it stands.

    Attributes:
        rows: of the page; names and paths are hostile text.
        number, n_pages: of the page from 0, and how many there are, 1 at least.
        opinions: opinion -> how many scans fit the filter.
    """

    rows: tuple[ScanRow, ...]
    number: int
    n_pages: int
    opinions: Mapping[str, int]

    @property
    def n_rows(self) -> int:
        """How many scans fit the filter."""
        return sum(self.opinions.values())


@dataclass(frozen=True)
class Charts:
    """Distributions of what fits the filter; each group is told apart by opinion."""

    scores: tuple[Count, ...]
    days: tuple[Count, ...]
    folders: tuple[Count, ...]


def name_part(words: str) -> str | None:
    """Part of a name to look for, also as rows show it: "case.zip › scan.pdf"; None for nothing."""
    return words.strip().replace(INSIDE, INTO) or None


def listing(store: Store, wanted: ScanFilter, *, sort: SortBy, descending: bool, number: int) -> Listing:
    """Look a page up; one that is past the end becomes the last."""
    archive = Archive(store)
    opinions = archive.opinions(wanted)
    n_rows = sum(opinions.values())
    n_pages = max(1, -(-n_rows // PAGE_ROWS))
    number = min(max(number, 0), n_pages - 1)
    rows = archive.page(wanted, sort=sort, descending=descending, number=number, size=PAGE_ROWS, n_rows=n_rows)
    return Listing(tuple(rows), number, n_pages, opinions)


def charts(store: Store, wanted: ScanFilter) -> Charts:
    """Count what fits; folders as everybody may see them."""
    archive, known = Archive(store), places(store)
    folders = (replace(count, group=known.short(count.group)) for count in archive.folders(wanted))
    return Charts(tuple(archive.scores(wanted)), tuple(archive.days(wanted)), tuple(folders))


def export(store: Store, wanted: ScanFilter, *, sort: SortBy, descending: bool, form: str, user: User) -> bytes:
    """Every scan that fits, in order.

    Args:
        store: of scans.
        wanted: the filter.
        sort, descending: the order.
        form: "csv" or "jsonl".
        user: who gets it; whole paths are for admins.
    """
    rows = _at_most(Archive(store).rows(wanted, sort=sort, descending=descending), MAX_EXPORT_ROWS)
    if user.role < Role.ADMIN:
        known = places(store)
        rows = (replace(row, folder=known.of(row), path=without_folder(row.path) or row.filename) for row in rows)
    plain = ({name: asdict(row)[name] for name in COLUMNS} for row in rows)
    if form == "jsonl":
        return b"".join(json.dumps(row).encode() + b"\n" for row in plain)
    if form != "csv":
        raise ValueError(f"there is no export as {form!r}; there is csv, jsonl")
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in plain)
    return text.getvalue().encode()


def _at_most(rows: Iterable[ScanRow], number: int) -> Iterator[ScanRow]:
    for place, row in enumerate(rows):
        if place >= number:
            return
        yield row


def _cell(value: object) -> object:
    """Names come from files: no spreadsheet may take one for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
