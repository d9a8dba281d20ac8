"""unforged race show: what came of a race, or of several that differ in their seed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.terminal import is_terminal, line, plain, table

if TYPE_CHECKING:
    from detectors.race.course import Course
    from detectors.race.records import Figure
    from detectors.race.seeds import Pooled

Folder = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folders", metavar="OUT...", nargs=-1, required=True, type=Folder)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a round; of several races one a figure.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Also as Markdown, CSV and PNG."
)
def show(folders: tuple[Path, ...], as_json: bool, out: Path | None) -> int:
    """Tell what came of a race: who got past whom, what was learned and forgotten, why a version stands or not.

    OUT is the folder of a race. Several folders are taken for the same race with other seeds: each figure is then a
    mean over them with the 95 % interval of Student's t. A race that is given twice, or two with the same seed, are
    refused.

    In a pipe each round is one line: round, standing version, candidate, promoted or refused, mean AUROC of what is
    learned, forgetting, forward transfer, AUROC of what is never learned, clean photos taken for fakes.
    """
    from detectors.race.course import Course
    from detectors.race.records import LOG, read_log
    from detectors.race.seeds import check_distinct

    check_distinct(folders)
    courses = []
    for folder in folders:
        records = read_log(folder)
        if not records:
            raise click.ClickException(f"no round has ended in {folder}: there is no {LOG}, or it is empty")
        courses.append(Course(records))
    if len(courses) > 1:
        return _several(courses, as_json, out)
    (course,) = courses
    if out is not None:
        _write(out, _pages(course))
    if as_json:
        for record in course.records:
            told = asdict(record) | {"forward_transfer": course.forward_transfer(record)}
            click.echo(json.dumps(_finite(told), ensure_ascii=False))
    else:
        _tell(course)
    return 0


def _several(courses: Sequence[Course], as_json: bool, out: Path | None) -> int:
    from detectors.race import seeds

    found = seeds.pooled(courses)
    if out is not None:
        _write(out, _pooled_pages(found, courses))
    if as_json:
        for figure in found:
            click.echo(json.dumps(_finite(asdict(figure)), ensure_ascii=False))
    else:
        _tell_pooled(found)
    return 0


def _tell(course: Course) -> None:
    rounds = list(_rounds(course))
    if not is_terminal():
        for cells in rounds:
            line(*cells)
        return
    table(
        ("round", "stood", "made", "gate", "AUROC", "forgot", "transfer", "unseen", "false positives"),
        rounds,
    )
    click.echo()
    table(("round", "attack", "box", "gets past plain", "tuned", "learned", "FD-lite0"), _attacks(course))
    for record in course.records:
        click.echo(
            f"\nRound {record.number}, {plain(record.candidate)} {'promoted' if record.promoted else 'refused'}:"
        )
        for reason in record.reasons:
            click.echo(f"  {plain(reason)}")


def _rounds(course: Course) -> Iterator[tuple[object, ...]]:
    from detectors.race.report import number

    for record in course.records:
        yield (
            record.number, record.standing, record.candidate, "promoted" if record.promoted else "refused",
            number(record.average), number(course.forgetting(record)), number(course.forward_transfer(record)),
            number(course.unseen_average(record)), number(record.false_positives[record.candidate].value),
        )  # fmt: skip


def _attacks(course: Course) -> Iterator[tuple[object, ...]]:
    from detectors.race.report import box, distances

    for record in course.records:
        for attack in record.attacks:
            shares = (_share(share) for share in (attack.plain, attack.before, attack.after))
            yield record.number, attack.name, box(attack), *shares, distances(attack)


def _share(share: Figure) -> str:
    return f"{share.value:.0%} ({100 * share.low:.0f}-{100 * share.high:.0f})"


def _tell_pooled(found: Sequence[Pooled]) -> None:
    from detectors.race.report import number, with_ends

    if is_terminal():
        cells = [(p.part, "" if p.round is None else p.round, p.about, p.name, with_ends(p.figure), p.n) for p in found]
        table(("part", "round", "of", "figure", "mean", "races"), cells)
        return
    for p in found:
        line(p.part, "" if p.round is None else p.round, p.about, p.name, *map(number, (p.mean, p.low, p.high)), p.n)


def _pages(course: Course) -> Iterator[tuple[str, str | bytes]]:
    """File names and contents; pictures last, so that a missing library costs the pictures alone."""
    from detectors.race.plots import pictures
    from detectors.race.report import to_markdown
    from detectors.race.tables import tables

    yield "race.md", to_markdown(course)
    yield from tables(course).items()
    yield from pictures(course).items()


def _pooled_pages(found: Sequence[Pooled], courses: Sequence[Course]) -> Iterator[tuple[str, str | bytes]]:
    from detectors.race import seeds
    from detectors.race.plots import matrix
    from detectors.race.tables import pooled_csv

    yield "seeds.md", seeds.to_markdown(found, courses)
    yield "seeds.csv", pooled_csv(found)
    yield "matrix.png", matrix(seeds.rows(found, courses), seeds.kinds(courses))


def _write(out: Path, pages: Iterator[tuple[str, str | bytes]]) -> None:
    """Before anything is told: whoever reads only the first lines of that shall still have all files."""
    out.mkdir(parents=True, exist_ok=True)
    for name, content in pages:
        (out / name).write_bytes(content.encode() if isinstance(content, str) else content)


def _finite(value: Any) -> Any:
    """What JSON can say: no NaN."""
    if isinstance(value, dict):
        return {key: _finite(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(own) for own in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
