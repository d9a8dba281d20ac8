"""The matrix of a race and what its attacks get past, as HTML: figures first, colour beside them."""

from __future__ import annotations

from dashboard.backend.race import DAGGER, AttackRecord, Cell, Course, Measured, RoundRecord, Row, box, lost, number
from dashboard.backend.race import still_lost as remains
from dashboard.widgets.markup import text

DEEPEST = 58
"""Per cent of blue at AUROC 1: words stay readable on it, in light and in dark."""

BARS = (
    ("plain", "○ without attack"),
    ("before", "▲ attacking"),
    ("after", "■ once learned"),
)


def matrix_html(course: Course) -> str:
    """Kinds of fakes down, versions across."""
    heads = "".join(_head(row) for row in course.rows)
    lines = "".join(_line(course, kind) for kind in course.kinds)
    return (
        '<div class="u-scroll" tabindex="0"><table class="u-matrix"><thead><tr><th scope="col">fakes</th>'
        f"{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def attacks_html(record: RoundRecord) -> str:
    """The attacks of a round, one after the other."""
    return "".join(_attack(attack) for attack in record.attacks)


def _head(row: Row) -> str:
    made = "before the race" if row.round is None else f"after round {row.round}"
    verdict = "" if row.promoted else '<span class="u-refused">✕ refused</span>'
    return f'<th scope="col">{text(row.version)}<span>{made}</span>{verdict}</th>'


def _line(course: Course, kind: str) -> str:
    cells = "".join(_cell(row, kind) for row in course.rows)
    return f'<tr><th scope="row">{text(kind)}</th>{cells}</tr>'


def _cell(row: Row, kind: str) -> str:
    if kind not in row.cells:
        return '<td class="u-unmeasured" title="not measured">–</td>'
    cell = row.cells[kind]
    learned = kind not in row.not_learned
    share = round(DEEPEST * min(max(2 * cell.auroc.value - 1, 0.0), 1.0))
    marked = ("", "") if learned else (' class="u-unlearned"', f" {DAGGER}")
    return (
        f'<td{marked[0]} style="--share: {share}%" title="{_intervals(cell, learned)}">'
        f"{cell.auroc.value:.3f}{marked[1]}<span>TPR {cell.tpr.value:.2f}</span></td>"
    )


def _intervals(cell: Cell, learned: bool) -> str:
    told = (
        f"{name} {figure.value:.3f}, 95 % interval {figure.low:.3f} to {figure.high:.3f}"
        for name, figure in (("AUROC", cell.auroc), ("TPR at 5 % false positives", cell.tpr))
    )
    return f"{'; '.join(told)}; {cell.auroc.n} fakes; {'learned' if learned else 'not learned'}"


def _attack(attack: AttackRecord) -> str:
    bars = "".join(_bar(getattr(attack, name), name, words) for name, words in BARS)
    tuned = f"<span>{text(attack.tuned)}</span>" if attack.tuned else ""
    name = f"<b>{text(attack.name)}</b><span>{box(attack)} box, {attack.before.n:,} fakes</span>{tuned}"
    return (
        f'<div class="u-attack"><div class="u-attack-name">{name}</div><div class="u-attack-bars">{bars}</div>'
        f'<div class="u-attack-cost">{_cost(attack)}</div></div>'
    )


def _bar(share: Measured, name: str, words: str) -> str:
    value, low, high = (100 * min(max(end, 0.0), 1.0) for end in (share.value, share.low, share.high))
    return (
        f'<div>{words}</div><div class="u-share"><span class="u-{name}" style="width: {value:.1f}%"></span>'
        f'<span class="u-whisker" style="left: {low:.1f}%; width: {high - low:.1f}%"></span></div>'
        f"<div>{value:.0f}% ({low:.0f} to {high:.0f})</div>"
    )


def _cost(attack: AttackRecord) -> str:
    """What the pictures lost, and what detection did."""
    if attack.fd is None:
        quality = "FD-lite0 not measured"
    else:
        quality = f"FD-lite0 {number(attack.fd_plain, '.1f')} → {attack.fd:.1f}"
        if attack.fd_plain:
            quality += f"<span>{attack.fd / attack.fd_plain:.2f} times as far from photos</span>"
    hidden, left = number(lost(attack), ".0%"), number(remains(attack), ".0%")
    return f"{quality}<span>detection lost {hidden}, still lost {left}</span>"
