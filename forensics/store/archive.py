"""Pages through many stored scans and counts them; the database filters, sorts and cuts, so each page costs a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Integer, cast, func, select, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from forensics.store.filters import ScanFilter
from forensics.store.store import ScanRow, Store, as_row
from forensics.store.tables import Scan

EXPORT_ROWS = 2000
"""Rows read at a time for an export."""

N_SCORE_BINS = 20
"""Bars of 0.05 of probability."""


class SortBy(StrEnum):
    """What the rows of a page are sorted by; each has an index."""

    TIME = "time"
    WEIGHT = "weight"
    NAME = "name"
    FOLDER = "folder"
    SIZE = "size"


_COLUMNS: dict[SortBy, InstrumentedAttribute[Any]] = {
    SortBy.TIME: Scan.scanned_at,
    SortBy.WEIGHT: Scan.llr,
    SortBy.NAME: Scan.filename,
    SortBy.FOLDER: Scan.folder,
    SortBy.SIZE: Scan.size_bytes,
}


@dataclass(frozen=True)
class Count:
    """How many scans of one opinion fall into one group.

    Attributes:
        group: a folder, a day, or the lower end of a bin; hostile text where it is a folder.
        opinion: of the ladder.
        number: how many.
    """

    group: str
    opinion: str
    number: int


class Archive:
    """The scans of a store, for looking through them.

    Args:
        store: an open one; all methods raise its StoreError.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(
        self,
        wanted: ScanFilter | None = None,
        *,
        sort: SortBy = SortBy.TIME,
        descending: bool = True,
        number: int = 0,
        size: int = 25,
        n_rows: int | None = None,
    ) -> list[ScanRow]:
        """One page of scans.

        Args:
            wanted: all if None.
            sort, descending: order; equal ones follow in that of their numbers.
            number: of the page, from 0; an empty one follows the last.
            size: rows on a page.
            n_rows: on all pages, where it is known: pages of the second half are then counted from the end.
        """
        if number < 0 or size < 1:
            raise ValueError(f"there is no page {number} of {size} rows")
        first, n_wanted = number * size, size
        from_end = n_rows is not None and first > n_rows // 2
        if from_end and n_rows is not None:
            n_wanted = min(size, n_rows - first)
            first = n_rows - first - n_wanted
        if n_wanted < 1:
            return []
        # Numbers first: of rows that are only passed over the index is read, or little more.
        ids = (
            select(Scan.id)
            .where(*(wanted or ScanFilter()).conditions())
            .order_by(*_order(sort, descending != from_end))
            .limit(n_wanted)
            .offset(first)
        )
        with self._store.session() as session:
            numbers = list(session.scalars(ids))[:: -1 if from_end else 1]
            rows = {scan.id: as_row(scan) for scan in session.scalars(select(Scan).where(Scan.id.in_(numbers)))}
        return [rows[number] for number in numbers if number in rows]

    def opinions(self, wanted: ScanFilter | None = None) -> dict[str, int]:
        """Opinion -> how many scans; their sum is the number of rows on all pages."""
        asked = select(Scan.opinion, func.count()).where(*(wanted or ScanFilter()).conditions()).group_by(Scan.opinion)
        with self._store.session() as session:
            return {str(opinion): int(number) for opinion, number in session.execute(asked)}

    def scores(self, wanted: ScanFilter | None = None) -> list[Count]:
        """Probabilities in bins of equal width; the group is the lower end of the bin, such as "0.95"."""
        last = N_SCORE_BINS - 1
        scaled: ColumnElement[float] = Scan.probability * N_SCORE_BINS
        # A cast cuts in SQLite, which may lack floor, and rounds in PostgreSQL.
        place = cast(func.floor(scaled) if self._store.is_postgresql else scaled, Integer)
        return [
            Count(f"{min(int(bin_), last) / N_SCORE_BINS:.2f}", opinion, number)
            for bin_, opinion, number in self._grouped(place, wanted)
        ]

    def days(self, wanted: ScanFilter | None = None) -> list[Count]:
        """Scans of each day (UTC), oldest first."""
        day = func.substr(Scan.scanned_at, 1, 10)
        return [Count(str(group), opinion, number) for group, opinion, number in self._grouped(day, wanted)]

    def folders(self, wanted: ScanFilter | None = None, *, limit: int = 12) -> list[Count]:
        """Scans of the folders that hold the most, the fullest first; "" is what lay in no folder that is known."""
        found = [Count(*row) for row in self._grouped(Scan.folder, wanted)]
        sizes: Counter[str] = Counter()
        for count in found:
            sizes[count.group] += count.number
        places = {folder: place for place, (folder, _) in enumerate(sizes.most_common(limit))}
        return sorted((c for c in found if c.group in places), key=lambda count: places[count.group])

    def rows(
        self, wanted: ScanFilter | None = None, *, sort: SortBy = SortBy.TIME, descending: bool = True
    ) -> Iterator[ScanRow]:
        """Every scan that fits, in order, a chunk at a time."""
        place = tuple_(_COLUMNS[sort], Scan.id)
        asked = select(Scan).where(*(wanted or ScanFilter()).conditions()).order_by(*_order(sort, descending))
        after: ColumnElement[bool] = true()
        while True:
            with self._store.session() as session:
                chunk = [as_row(scan) for scan in session.scalars(asked.where(after).limit(EXPORT_ROWS))]
            yield from chunk
            if len(chunk) < EXPORT_ROWS:
                return
            last = (getattr(chunk[-1], _COLUMNS[sort].key), chunk[-1].id)
            after = place < last if descending else place > last

    def _grouped(
        self,
        group: ColumnElement[Any] | InstrumentedAttribute[Any],
        wanted: ScanFilter | None,
    ) -> list[tuple[Any, str, int]]:
        asked = (
            select(group, Scan.opinion, func.count())
            .where(*(wanted or ScanFilter()).conditions())
            .group_by(group, Scan.opinion)
            .order_by(group, Scan.opinion)
        )
        with self._store.session() as session:
            return [(value, str(opinion), int(number)) for value, opinion, number in session.execute(asked)]


def by_opinion(counts: list[Count]) -> Mapping[str, Mapping[str, int]]:
    """Group -> opinion -> how many, in the order of the counts."""
    found: dict[str, dict[str, int]] = {}
    for count in counts:
        groups = found.setdefault(count.group, {})
        groups[count.opinion] = groups.get(count.opinion, 0) + count.number
    return found


def _order(sort: SortBy, descending: bool) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    column = _COLUMNS[sort]
    return (column.desc(), Scan.id.desc()) if descending else (column.asc(), Scan.id.asc())
