"""Writes a race as Markdown, for people; `detectors.race.tables` writes it as CSV, `detectors.race.plots` draws it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from detectors.race.course import Course, Row
from detectors.race.records import AttackRecord, Cell, Figure, RoundRecord

HOW_TO_READ = (
    "AUROC is the chance that a fake scores higher than a real photo that was prepared and washed alike: 0.5 is a "
    "coin, 1 is perfect. TPR is the share of fakes found where 5 % of these photos are taken for fakes. In brackets: "
    "95 % intervals over resampled sources. A version stands when the gate let it through; the fakes of a round are "
    "new to the version that stands when it begins, and are learned by the one that it makes."
)

ATTACKS_EXPLAINED = (
    "Shares of fakes that get past a version at its own threshold for 5 % false positives: the standing one without "
    "the attack and with it, then the candidate, which learned from others of the same kind. Detection lost is the "
    "share of what is found without the attack that it hides; still lost is how much less the candidate finds of the "
    "attacking fakes than was found without the attack. FD-lite0 is the distance of the fakes to real photos, without "
    "the attack and with it: where it is much larger, the attack got past by spoiling the picture."
)

DEFENCES = {
    "none": "no update",
    "naive": "naive fine-tuning",
    "replay": "replay",
    "replay_distillation": "replay with distillation",
    "selective": "the same, costly kinds left out",
    "joint": "joint, from the start",
}
"""Ways of learning in words."""

DAGGER = "†"
"""Marks what a version has not learned from."""


def to_markdown(course: Course, title: str = "Arms race") -> str:
    """A page for people."""
    lines = [f"# {title}", "", HOW_TO_READ, "", "## Rounds", "", *_rounds(course), ""]
    lines += ["## Why a version stands or not", ""]
    for record in course.records:
        verdict = "promoted" if record.promoted else "refused"
        lines += [f"Round {record.number}, {record.candidate} {verdict}:", ""]
        lines += [*(f"- {reason}" for reason in record.reasons), ""]
    lines += ["## Versions and kinds of fakes", "", *matrix_tables(course.rows, course.kinds), ""]
    lines += ["## Attacks", "", ATTACKS_EXPLAINED, "", *_attacks(course.records), ""]
    lines += ["## Ways of learning", "", "Of the last round that compared them; mean AUROC.", "", *_defences(course)]
    return "\n".join([*lines, ""])


def number(value: float | None, form: str = ".3f") -> str:
    """A figure, or a dash where there is none."""
    return "-" if value is None or not math.isfinite(value) else format(value, form)


def with_ends(figure: Figure, form: str = ".3f") -> str:
    """A figure with its interval, where it has one."""
    ends = f" ({figure.low:{form}} to {figure.high:{form}})" if math.isfinite(figure.low) else ""
    return f"{figure.value:{form}}{ends}"


def markdown_table(headings: Sequence[str], body: Iterable[Sequence[object]]) -> list[str]:
    """Lines of a table."""
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    return lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |" for cells in body]


def _rounds(course: Course) -> list[str]:
    return markdown_table(
        (
            "round", "stood", "candidate", "gate", "mean AUROC of what is learned", "forgetting", "forward transfer",
            "unseen", "clean photos taken for fakes", "minutes",
        ),
        (
            (
                r.number, r.standing, r.candidate, "promoted" if r.promoted else "refused", number(r.average),
                number(course.forgetting(r)), number(course.forward_transfer(r)), number(course.unseen_average(r)),
                with_ends(r.false_positives[r.candidate], ".1%"), number(r.took_s / 60, ".1f"),
            )
            for r in course.records
        ),
    )  # fmt: skip


def matrix_tables(rows: Sequence[Row], kinds: Sequence[str]) -> list[str]:
    """Kinds down, versions across; one table of areas, one of fakes found."""
    lines = [f"{DAGGER} not learned by that version.", ""]
    for name, of in (("AUROC", _auroc), ("TPR at 5 % FPR", _tpr)):
        body = [(kind, *(_marked(row, kind, of) for row in rows)) for kind in kinds]
        lines += [f"### {name}", "", *markdown_table(("fakes", *(row.title for row in rows)), body), ""]
    return lines[:-1]


def _marked(row: Row, kind: str, of: Callable[[Cell], Figure]) -> str:
    if kind not in row.cells:
        return ""
    return with_ends(of(row.cells[kind])) + (f" {DAGGER}" if kind in row.not_learned else "")


def _auroc(cell: Cell) -> Figure:
    return cell.auroc


def _tpr(cell: Cell) -> Figure:
    return cell.tpr


def _attacks(records: Sequence[RoundRecord]) -> list[str]:
    if not any(record.attacks for record in records):
        return ["None has been made yet: the first round learns the untuned generators."]
    return markdown_table(
        ("round", "attack", "box", "fakes", "get past without", "attacking", "after learning", "detection lost",
         "still lost", "FD-lite0", "minutes", "what was tuned"),
        (
            (
                r.number, a.name, box(a), a.before.n, with_ends(a.plain, ".0%"), with_ends(a.before, ".0%"),
                with_ends(a.after, ".0%"), number(lost(a), ".0%"), number(still_lost(a)),
                distances(a), number(a.took_s / 60, ".1f"), a.tuned or "-",
            )
            for r in records
            for a in r.attacks
        ),
    )  # fmt: skip


def lost(attack: AttackRecord) -> float:
    """Share of the detection without the attack that it takes away, 1 is all; nan where nothing is detected."""
    found = 1.0 - attack.plain.value
    return 1.0 - (1.0 - attack.before.value) / found if found > 0 else math.nan


def still_lost(attack: AttackRecord) -> float:
    """How much less is found of the attacking fakes once the round is learned than was found without the attack."""
    return attack.after.value - attack.plain.value


def box(attack: AttackRecord) -> str:
    """What the attack knew, in words."""
    return "white" if attack.white_box else "black"


def distances(attack: AttackRecord) -> str:
    """FD-lite0 without the attack and with it."""
    return f"{number(attack.fd_plain, '.1f')} -> {number(attack.fd, '.1f')}" if attack.fd is not None else "-"


def _defences(course: Course) -> list[str]:
    compared = [record for record in course.records if record.defences]
    if not compared:
        return ["No round compared them."]
    last = compared[-1]
    return markdown_table(
        (f"round {last.number}", "this round's fakes", "earlier fakes", "forgetting", "unseen", "clean photos"),
        (
            (
                DEFENCES.get(d.name, d.name), number(d.new), number(d.old), number(d.forgetting), number(d.unseen),
                number(d.false_positives, ".1%"),
            )
            for d in course.defences(last)
        ),
    )  # fmt: skip
