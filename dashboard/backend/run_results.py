"""Results of a run to take away, and what it could not examine, without what somebody may not see."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dashboard.backend.places import Places, places
from dashboard.roles import Role, User
from forensics.runs.ending import PAGE, TABLES, write_page
from forensics.runs.summary import summarize
from forensics.store import Store
from forensics.store.run_results import RunResults
from forensics.store.run_words import ErrorClass
from forensics.store.runs import Run

MAX_DOWNLOAD_FILES = 50_000
"""Files of a run whose results are sent through a browser, which takes them into memory: about 150 MB."""

FORMS = {name: name.rpartition(".")[2] for name in (*TABLES, PAGE)}
"""Name of a file of results -> its ending."""


def errors(store: Store, run: Run, *, user: User) -> list[ErrorClass]:
    """What the run could not examine, class by class."""
    return _results(store, run, user).errors()


def download(store: Store, run: Run, form: str, *, user: User) -> bytes:
    """A file of results, as `unforged runs show NAME --out` writes it.

    Args:
        store: of runs.
        run: as somebody may see it.
        form: of FORMS.
        user: who gets it; whole paths are for admins.

    Raises:
        OSError: there is no room for it, or the store does not work.
    """
    results = _results(store, run, user)
    with tempfile.TemporaryDirectory(prefix="unforged-") as folder:
        path = Path(folder) / form
        if form == PAGE:
            write_page(summarize(run, results)[0], path)
        else:
            TABLES[form](results.lines(), path)
        return path.read_bytes()


class _Short(RunResults):
    """Results that do not tell where files lie on the server."""

    def __init__(self, store: Store, run: Run, known: Places) -> None:
        super().__init__(store, run.id)
        self._known = known

    def placed_lines(self, numbers: Sequence[int] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        for place, line in super().placed_lines(numbers):
            told = {name: line[name] for name in ("path", "container", "duplicate_of") if line[name]}
            yield place, line | {name: self._known.file(path) for name, path in told.items()}

    def paths(self, places: Sequence[int]) -> Iterator[str]:
        return map(self._known.file, super().paths(places))

    def errors(self) -> list[ErrorClass]:
        return [replace(one, path=self._known.file(one.path)) for one in super().errors()]


def _results(store: Store, run: Run, user: User) -> RunResults:
    return RunResults(store, run.id) if user.role >= Role.ADMIN else _Short(store, run, places(store))
