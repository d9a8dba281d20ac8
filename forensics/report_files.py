"""Writes the files of a batch into its output folder: reports named by hash, tables over all lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from forensics.languages import ENGLISH, language
from forensics.report import ScanReport
from generators.whole_files import write_whole

RESULTS = "results.jsonl"

FILE_FORMATS = ("html", "json", "pdf")
"""One file for each file examined."""

PICTURE_FORMATS = ("html", "pdf")
"""Those of FILE_FORMATS that draw on the picture itself."""

TABLE_FORMATS = ("csv", "parquet")
"""One for the whole batch."""

NAME_DIGITS = 16
"""Hex digits of the file's hash that name its reports; never its own name, which somebody else chose."""


def prepare(forms: Iterable[str], language_code: str = ENGLISH) -> None:
    """Load what drawing these forms needs: a second that would else be counted against the first file drawn."""
    from forensics.analyzers import ANALYZERS
    from forensics.report_words import title

    modules = {"html": ("forensics.report_html", "jinja2"), "pdf": ("forensics.report_pdf", "fpdf")}
    drawn = set(forms).intersection(modules)
    language(language_code)
    for module in (module for form in drawn for module in modules[form]):
        import_module(module)
    if drawn:
        import_module("detectors.outside.model_folder")  # a page names the outside models that were not asked
    for name in ANALYZERS.names() if drawn else ():
        title(name)  # also of those that are no part of this scan: a page names what was not tested


def render(
    report: ScanReport, previews: Mapping[float, NDArray[np.uint8]], form: str, language_code: str = ENGLISH
) -> bytes:
    """A report as bytes.

    Args:
        report: of one file.
        previews: time in seconds -> (h, w, 3) uint8; empty draws no pictures.
        form: one of FILE_FORMATS.
        language_code: of HTML and PDF; JSON, which machines read, is always English.

    Raises:
        LookupError: there is no such language.
    """
    if form == "html":
        from forensics.report_html import render_html

        return render_html(report, previews, language_code).encode("utf-8", "backslashreplace")
    if form == "pdf":
        from forensics.report_pdf import render_pdf

        return render_pdf(report, previews, language_code=language_code)
    if form == "json":
        return json.dumps(report.to_dict(), indent=1, allow_nan=False).encode() + b"\n"
    raise ValueError(f"no report format {form!r}; there is {', '.join(FILE_FORMATS)}")


def write_reports(sha256: str, pages: Mapping[str, bytes], folder: Path) -> tuple[str, ...]:
    """Write the reports of one file; those of the same file are replaced.

    Returns:
        Their names in the folder.
    """
    names = []
    for form, page in pages.items():
        name = f"{sha256[:NAME_DIGITS]}.{form}"
        write_whole(folder / name, page)
        names.append(name)
    return tuple(names)


def write_tables(folder: Path, formats: tuple[str, ...]) -> tuple[str, ...]:
    """Turn RESULTS in the folder into tables, line by line.

    Returns:
        Their names in the folder.
    """
    names = []
    for form in TABLE_FORMATS:
        if form in formats:
            name = f"results.{form}"
            _write_table(folder, folder / name, form)
            names.append(name)
    return tuple(names)


def _write_table(folder: Path, path: Path, form: str) -> None:
    from forensics import report_table

    write = report_table.write_csv if form == "csv" else report_table.write_parquet
    write(_read_lines(folder / RESULTS), path)


@contextmanager
def result_lines(folder: Path | None) -> Iterator[TextIO | None]:
    """Open RESULTS of a new run for writing; None without a folder."""
    if folder is None:
        yield None
        return
    with (folder / RESULTS).open("w", encoding="utf-8") as file:
        yield file


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
