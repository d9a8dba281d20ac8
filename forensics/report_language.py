"""Puts what a report shows into another language; what came from the file, and names of machines, stay as they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from forensics.hostile_text import counted_in
from forensics.languages import ENGLISH, Language
from forensics.report_page import UNNAMED, Card, Page


def spoken(page: Page, language: Language) -> Page:
    """The same page in another language; labels of pictures are in it already.

    Args:
        page: in English, hidden characters already made visible.
        language: what has no counterpart in it stays English, whole sentences at a time.
    """
    if language.code == ENGLISH:
        return page
    say = language.say
    return replace(
        page,
        title=say(UNNAMED) if page.title == UNNAMED else counted_in(page.title, say),
        opinion=say(page.opinion),
        percent=say(page.percent),
        question=say(page.question),
        meaning=say(page.meaning),
        note=say(page.note),
        cards=tuple(_card(card, language) for card in page.cards),
        rule=say(page.rule),
        steps=tuple((say(title), counted_in(say(step), say), counts) for title, step, counts in page.steps),
        total=say(page.total),
        untested=tuple((say(title), counted_in(say(why), say)) for title, why in page.untested),
        quiet=tuple(say(title) for title in page.quiet),
        facts=_rows(page.facts, language),
    )


def _card(card: Card, language: Language) -> Card:
    say = language.say
    return replace(
        card,
        title=say(card.title),
        trace=say(card.trace),
        summary=counted_in(say(card.summary), say),
        explanation=say(card.explanation),
        claim=say(card.claim),
        strength=say(card.strength),
        weight=say(card.weight),
        rows=_rows(card.rows, language),
        numbers=tuple((name, language.number(value)) for name, value in card.numbers),
    )


def _rows(rows: Iterable[tuple[str, str]], language: Language) -> tuple[tuple[str, str], ...]:
    spoken_rows = (language.row(*row) for row in rows)
    return tuple((label, counted_in(text, language.say)) for label, text in spoken_rows)
