"""How a run stands, in words: the list of runs and the one that was chosen say it alike."""

from __future__ import annotations

from dashboard.backend.runs import FileState, RunState, Standing
from dashboard.backend.words import as_markdown, moment

SIGNS = {
    RunState.RUNNING: "▶ running",
    RunState.DONE: "✓ done",
    RunState.STOPPED: "■ stopped",
    RunState.FAILED: "✕ failed",
    RunState.LOST: "✕ lost: no sign of life",
}

MAX_SOURCES = 3
"""Sources that are named; the rest is counted."""

_PARTS = {
    FileState.WAITING: "waiting",
    FileState.UNCHANGED: "unchanged",
    FileState.DUPLICATE: "duplicate",
    FileState.CONTAINER: "opened to look inside",
    FileState.FAILED: "not examined",
    FileState.GONE: "gone since",
}


def sign(one: Standing) -> str:
    """Where it stands, with a sign, in bold."""
    if one.run.stop_wanted_by and one.run.is_running:
        return "**… stopping**"
    if one.run.is_running and not one.n_met:
        return "**… starting**"
    return f"**{SIGNS[one.run.state]}**"


def counts(one: Standing) -> str:
    """How far it is: files met, with a result, likely fake; and what else became of them."""
    if not one.n_met:
        return "no file met" + " yet" * one.run.is_running
    told = [f"**{one.n_ended:,}** of {one.n_met:,} files {'met so far ' if one.run.is_running else ''}have a result"]
    told.append(f"**{one.n_likely:,}** likely fake")
    told += [f"{one.states[state]:,} {words}" for state, words in _PARTS.items() if one.states[state]]
    return " · ".join(told)


def sources(one: Standing) -> str:
    """What it examines."""
    named = [as_markdown(source) for source in one.run.plan.sources[:MAX_SOURCES]]
    n_more = len(one.run.plan.sources) - len(named)
    return ", ".join(named) + (f" and {n_more:,} more" if n_more else "")


def times(one: Standing) -> str:
    """When its last pass began and ended."""
    begun, ended = (moment(at) for at in (one.run.started_at, one.run.ended_at or ""))
    which = f"pass {one.run.n_pass}, " if one.run.n_pass > 1 else ""
    return f"{which}begun {begun}{f', ended {ended}' if ended else ''} (UTC)"


def message(one: Standing) -> str:
    """Why it stopped or failed; "" for no reason."""
    return as_markdown(one.run.message)
