"""Reads and writes what a detector said of each picture of a known set, so that any threshold can be tried on it later.

Two forms: `scores.csv` as `unforged evaluate --out` writes it, with the paths of the pictures, and a small Parquet file
that names them by the beginning of their SHA-256. The latter lies beside a card and tells whose weights it is of.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.data import Example
from detectors.scoring import Condition, ScoredSet
from generators.weights import ModelCard
from generators.whole_files import write_whole

COLUMNS = ("path", "label", "source", "generator", "family", "condition", "score", "llr", "abstained")

ENDING = ".scores.parquet"
"""Of the file beside `<stem>.card.json`."""

N_HEX = 12
"""Digits of the SHA-256 that name a picture: 48 bits tell millions apart."""

MAX_ROWS = 2_000_000

Row = Mapping[str, str | float | None]


@dataclass(frozen=True, eq=False)
class ScoreFile:
    """Scores of a set, and of what.

    Attributes:
        scored: the set; the path of an example is what the file calls it.
        detector: name and version, "" where the file does not say.
        sha256: of the weights, "" where the file does not say.
    """

    scored: ScoredSet
    detector: str = ""
    sha256: str = ""


def scores_csv(scored: ScoredSet) -> str:
    """What was said of each picture under each condition, with six digits of the score and four of the ratio."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in _rows(scored, [str(example.path) for example in scored.examples]):
        llr = "" if row["llr"] is None else f"{row['llr']:.4f}"
        writer.writerow((*list(row.values())[:6], f"{row['score']:.6f}", llr, row["abstained"] or ""))
    return out.getvalue()


def write_scores(scored: ScoredSet, card: ModelCard, path: Path) -> None:
    """Write the small form, which holds neither pictures nor the names of their files.

    Args:
        scored: by `detectors.evaluation.score_set`; its files must still be there.
        card: of the detector.
        path: ends in .parquet.

    Raises:
        OSError: a picture is gone, or the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = list(_rows(scored, [_digest(example.path) for example in scored.examples]))
    kinds = {"label": pa.int8(), "score": pa.float32(), "llr": pa.float32()}
    schema = pa.schema(
        [(name, kinds.get(name, pa.string())) for name in COLUMNS],
        metadata={"detector": card.stem, "sha256": card.sha256},
    )
    numbers = ["score", "llr"]
    said = [name for name in COLUMNS if name not in numbers]
    out = io.BytesIO()
    pq.write_table(
        pa.Table.from_pylist(rows, schema), out, compression="zstd", use_dictionary=said, use_byte_stream_split=numbers
    )
    write_whole(path, out.getvalue())


def read_scores(path: Path) -> ScoreFile:
    """Read either form.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is none, or its conditions are not of the same pictures.
    """
    if path.suffix != ".parquet":
        return parse_scores(path.read_text(encoding="utf-8", errors="replace"))
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=list(COLUMNS))
    except (pa.ArrowException, KeyError) as error:
        raise ValueError(f"{path.name} holds no scores: {error}") from error
    said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    return ScoreFile(_scored(table.to_pylist()), said.get("detector", ""), said.get("sha256", ""))


def parse_scores(text: str) -> ScoreFile:
    """Read the text of a `scores.csv`, whoever wrote it.

    Raises:
        ValueError: it is none; the message names the line.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"wants the columns {', '.join(COLUMNS)}; {', '.join(missing)} is missing")
        rows: list[Row] = []
        for row in reader:
            if len(rows) >= MAX_ROWS:
                raise ValueError(f"more than {MAX_ROWS:,} lines are not read")
            rows.append(_parsed(row, reader.line_num))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error
    return ScoreFile(_scored(rows))


def _rows(scored: ScoredSet, names: Sequence[str]) -> Iterator[Row]:
    for condition in scored.conditions:
        for i, example in enumerate(scored.examples):
            llr = None if condition.llr is None else float(condition.llr[i])
            where = (names[i], example.label, example.source, example.generator, example.family, condition.name)
            yield dict(zip(COLUMNS, (*where, float(condition.fake[i]), llr, condition.abstained[i]), strict=True))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:N_HEX]


def _parsed(row: Mapping[str, str], number: int) -> Row:
    try:
        label, score, llr = int(row["label"]), float(row["score"]), float(row["llr"]) if row["llr"] else None
    except (TypeError, ValueError) as error:
        raise ValueError(f"line {number}: label, score and llr are numbers: {error}") from error
    if label not in (0, 1) or not 0.0 <= score <= 1.0 or (llr is not None and not np.isfinite(llr)):
        raise ValueError(f"line {number}: a label is 0 or 1, a score lies between, a ratio is finite")
    if not row["condition"] or None in row.values():
        raise ValueError(f"line {number}: a cell is missing")
    return {**row, "label": label, "score": score, "llr": llr, "abstained": row["abstained"] or None}


def _scored(rows: Sequence[Row]) -> ScoredSet:
    by_condition: dict[str, list[Row]] = {}
    for row in rows:
        by_condition.setdefault(str(row["condition"]), []).append(row)
    if not by_condition:
        raise ValueError("there are no scores")
    about = [[tuple(row[name] for name in COLUMNS[:5]) for row in own] for own in by_condition.values()]
    if any(own != about[0] for own in about):
        raise ValueError("each condition must list the same pictures in the same order")
    examples = tuple(
        Example(Path(str(path)), int(label or 0), str(source), str(generator), str(family))
        for path, label, source, generator, family in about[0]
    )
    return ScoredSet(examples, tuple(_condition(name, own) for name, own in by_condition.items()))


def _condition(name: str, rows: Sequence[Row]) -> Condition:
    ratios = [row["llr"] for row in rows]
    return Condition(
        name,
        np.array([row["score"] for row in rows], np.float64),
        None if None in ratios else np.array(ratios, np.float64),
        tuple(None if row["abstained"] is None else str(row["abstained"]) for row in rows),
    )
