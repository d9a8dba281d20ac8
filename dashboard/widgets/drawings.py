"""Findings without a picture, drawn from their numbers as HTML that the style sheet shapes; words beside every sign."""

from __future__ import annotations

import html
from functools import singledispatch

from dashboard.backend.drawings import Bar, Bars, Beat, Chain, Curve, Drawing, Grid, Link, Tags
from dashboard.widgets.markup import text

MAX_FILL = 85
"""Per cent of the colour at the coarsest step of a table."""


def drawn(drawing: Drawing) -> str:
    """HTML of a drawing."""
    return f'<div class="u-drawn">{_of(drawing)}</div>'


@singledispatch
def _of(drawing: object) -> str:
    raise TypeError(f"nothing draws a {type(drawing).__name__}")


@_of.register
def _bars(drawing: Bars) -> str:
    caption = f'<p class="u-soft">{text(drawing.caption)}</p>' if drawing.caption else ""
    return "".join(map(_bar, drawing.bars)) + caption


def _bar(bar: Bar) -> str:
    ticks = "".join(f'<span class="u-tick" style="left:{100 * tick:.1f}%"></span>' for tick in bar.ticks)
    return (
        f'<p class="u-figure"><span>{text(bar.label)}</span> <b>{text(bar.said)}</b></p>'
        f'<div class="u-gauge" aria-hidden="true"><span class="u-plain" style="left:0;width:{100 * bar.share:.1f}%">'
        f"</span>{ticks}</div>"
    )


@_of.register
def _chain(drawing: Chain) -> str:
    links = "".join(map(_link, drawing.links))
    more = f'<p class="u-soft">and {drawing.n_more:,} more</p>' if drawing.n_more else ""
    return f'<ul class="u-chain">{links}</ul>{more}'


def _link(link: Link) -> str:
    sign = f'<b aria-hidden="true">{text(link.sign)}</b>'
    leans = f' class="u-{link.leans}"' if link.leans else ""
    return f"<li{leans}>{sign}<span>{text(link.words)}</span></li>"


@_of.register
def _tags(drawing: Tags) -> str:
    rows = "".join(f"<div><dt>{text(label)}</dt><dd>{text(words)}</dd></div>" for label, words in drawing.rows)
    more = f'<p class="u-soft">and {drawing.n_more:,} more</p>' if drawing.n_more > 0 else ""
    return f'<dl class="u-tags">{rows}</dl>{more}'


@_of.register
def _grid(drawing: Grid) -> str:
    coarsest = max(*drawing.steps, 1)
    cells = "".join(f'<span style="--share:{MAX_FILL * step / coarsest:.0f}%">{step}</span>' for step in drawing.steps)
    return f'<div class="u-grid">{cells}</div><p class="u-soft">{text(drawing.caption)}</p>'


@_of.register
def _curve(drawing: Curve) -> str:
    corners = ", ".join(f"{100 * x:.1f}% {100 * (1 - y):.1f}%" for x, y in drawing.points)
    words = html.escape(f"{drawing.caption} From {drawing.y_ends[1]} to {drawing.y_ends[0]}.", quote=True)
    return (
        f'<div class="u-curve" role="img" aria-label="{words}"><span class="u-y"><i>{text(drawing.y_ends[1])}</i>'
        f"<i>{text(drawing.y_ends[0])}</i></span>"
        f'<span class="u-area" style="clip-path:polygon(0% 100%, {corners}, 100% 100%)"></span></div>'
        f'<p class="u-ends"><span>{text(drawing.x_ends[0])}</span><span>{text(drawing.x_ends[1])}</span></p>'
        f'<p class="u-soft">{text(drawing.caption)}</p>'
    )


@_of.register
def _beat(drawing: Beat) -> str:
    frames = "".join('<span class="u-again">=</span>' if again else "<span></span>" for again in drawing.repeats)
    words = '<p class="u-soft">One beat; = repeats the frame before.</p>'
    return f'<div class="u-beat" aria-hidden="true">{frames}</div>{words}'
