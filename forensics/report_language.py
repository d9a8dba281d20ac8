"""Puts what a report shows into another language; what came from the file, and names of machines, stay as they are."""

from __future__ import annotations

from dataclasses import replace

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
        title=say(UNNAMED) if page.title == UNNAMED else page.title,
        opinion=say(page.opinion),
        percent=say(page.percent),
        question=say(page.question),
        meaning=say(page.meaning),
        note=say(page.note),
        cards=tuple(_card(card, language) for card in page.cards),
        rule=say(page.rule),
        steps=tuple((say(title), say(step), counts) for title, step, counts in page.steps),
        total=say(page.total),
        untested=tuple((say(title), say(why)) for title, why in page.untested),
        quiet=tuple(say(title) for title in page.quiet),
        facts=tuple(language.row(*fact) for fact in page.facts),
    )


def _card(card: Card, language: Language) -> Card:
    say = language.say
    return replace(
        card,
        title=say(card.title),
        trace=say(card.trace),
        summary=say(card.summary),
        explanation=say(card.explanation),
        claim=say(card.claim),
        strength=say(card.strength),
        weight=say(card.weight),
        rows=tuple(language.row(*row) for row in card.rows),
        numbers=tuple((name, language.number(value)) for name, value in card.numbers),
    )
