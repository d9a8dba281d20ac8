"""What a report says that another language has no words for: none of it may be ours."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.finding import Finding
from forensics.languages import Language
from forensics.report import ScanReport
from forensics.report_page import Card, page
from tests.make_report import report


def untold(whole: ScanReport, language: Language) -> list[str]:
    """Sentences, words and rows of a report that stay English.

    Args:
        whole: whose analyzers speak English.
        language: another one.
    """
    shown = page(whole, {})
    said = [shown.opinion, shown.note, shown.meaning, shown.rule, shown.total]
    said += [f"{shown.percent} probability {shown.question}", *shown.quiet]
    said += [words for title, step, _ in shown.steps for words in (title, step)]
    said += [words for pair in shown.untested for words in pair]
    said += [words for card in shown.cards for words in _sentences(card)]
    said += [mark.label for f in whole.findings for mark in (*f.regions, *([f.heat] if f.heat else []))]
    rows = [*shown.facts, *(row for card in shown.cards for row in card.rows if not _is_of_the_file(*row))]
    missing = [words for words in said if words and language.find(words) is None]
    return missing + [f"{label} = {text}" for label, text in rows if language.find_row(label, text) is None]


def untold_of(findings: Iterator[Finding] | list[Finding], language: Language) -> list[str]:
    """The same of findings alone."""
    return untold(report(tuple(findings), skipped={}, failed={}), language)


def _sentences(card: Card) -> list[str]:
    return [card.title, card.trace, card.summary, card.explanation, card.claim, card.strength, card.weight]


def _is_of_the_file(label: str, text: str) -> bool:
    """Fields of metadata: place and name of the field, then what stands in it."""
    return ": " in label
