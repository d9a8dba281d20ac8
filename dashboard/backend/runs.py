"""Durable runs for the page Archive: started, followed, stopped and gone on with."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from dashboard.backend.configuration import Configuration
from dashboard.backend.options import Options
from dashboard.backend.places import Places, places
from dashboard.backend.profiles import Examination, settings_for
from dashboard.roles import Role, User, require
from forensics.containers import InsideLimits
from forensics.hostile_text import one_line
from forensics.inputs import is_url
from forensics.runs.process import launch
from forensics.store import Store
from forensics.store.queue_words import Bar
from forensics.store.run_results import RunResults
from forensics.store.run_words import ENDED, FileState
from forensics.store.runs import Plan, Run, Runs, RunState

__all__ = ["Bar", "FileState", "Run", "RunState", "Standing"]
__all__ += ["names", "newest", "proposed", "resume", "standing", "start", "stop"]

MAX_RUNNING = 2
"""Runs of this computer at a time; each has workers of its own."""

MAX_LISTED = 5

MAX_NAMES = 200
"""Runs to choose from; older ones are reached by their address."""


@dataclass(frozen=True)
class Standing:
    """How a run stands, as somebody may see it.

    Attributes:
        run: without what they may not see.
        states: FileState -> files.
        n_likely: files that are at least *likely* fake.
    """

    run: Run
    states: Mapping[FileState, int]
    n_likely: int

    @property
    def n_met(self) -> int:
        """Files that were found so far, and are still there."""
        return sum(self.states.values()) - self.states[FileState.GONE]

    @property
    def n_ended(self) -> int:
        """Among them those that have a result."""
        return sum(self.states[state] for state in ENDED)


def newest(store: Store, *, user: User) -> list[Standing]:
    """What runs, wherever it was started, and the newest of the others up to MAX_LISTED in all."""
    known = places(store)
    found = sorted(Runs(store).all(MAX_NAMES), key=lambda run: not run.is_running)
    n_running = sum(run.is_running for run in found)
    return [_standing(store, run, known, user) for run in found[: max(MAX_LISTED, n_running)]]


def standing(store: Store, name: str, *, user: User) -> Standing:
    """One of them.

    Raises:
        LookupError: there is none of this name.
    """
    return _standing(store, Runs(store).get(name), places(store), user)


def names(store: Store, also: str = "") -> list[str]:
    """Names to choose from, the newest first.

    Args:
        store: of runs.
        also: one that belongs to them if there is such a run.
    """
    found = Runs(store).names(MAX_NAMES)
    return [*found, also] if also and also not in found and _is_taken(store, also) else found


def proposed(store: Store, folder: str, today: date) -> str:
    """A name for a run over a folder that no run has: what the folder is called, and the day; "" for no folder."""
    called = one_line(Path(folder.strip()).name, 60).strip()
    if not called:
        return ""
    name, number = f"{called} {today}", 1
    while _is_taken(store, name):
        number += 1
        name = f"{called} {today} {number}"
    return name


def start(
    options: Options,
    configuration: Configuration,
    store: Store,
    *,
    folder: str,
    name: str,
    bar: Bar,
    user: User,
    how: Examination | None = None,
) -> Run:
    """Let a process of its own examine a folder of this computer; it outlives the browser, and the dashboard.

    Args:
        options, configuration: of the dashboard.
        store: of scans and runs.
        folder: whole path.
        name: of the run.
        bar: which files await a decision.
        user: who wants that.
        how: how they are examined; None for the usual way.

    Raises:
        NotAllowedError: the user is no admin: whoever names folders looks into them.
        ValueError: there is no such folder, the name is none or taken, too many runs are under way, or files cannot be
            examined like that, as for `settings_for`.
        OSError: the process cannot be started, or the store does not work.
    """
    require(user, Role.ADMIN)
    path = Path(folder.strip()).expanduser()
    if not folder.strip() or not path.is_absolute():
        raise ValueError("name a folder by its whole path, such as /home/me/pictures")
    if not path.is_dir():
        raise ValueError("there is no such folder on the computer that runs the dashboard")
    if _is_taken(store, name.strip()):
        raise ValueError(f"there is a run {name.strip()!r} already: go on with it, or choose another name")
    settings = settings_for(how or Examination(), configuration)
    plan = Plan((os.path.abspath(path),), settings, InsideLimits())  # noqa: PTH100 - links stay
    if any(run.plan.sources == plan.sources for run in _room(store)):
        raise ValueError("this folder is being examined already")
    return launch(store, options.database, name.strip(), plan, actor=user.name, bar=bar, devices=options.devices)


def resume(options: Options, store: Store, name: str, *, bar: Bar, retry_failed: bool, user: User) -> Run:
    """Go on with a run that was cut off, or pass again over one that is done, in the same way.

    Raises:
        NotAllowedError: the user is no admin.
        LookupError: there is no such run.
        ValueError: a process works on it, too many runs are under way, or its sources lie elsewhere.
        OSError: the process cannot be started, or the store does not work.
    """
    require(user, Role.ADMIN)
    if any(is_url(source) for source in Runs(store).get(name).plan.sources):
        raise ValueError("its sources are fetched over the network, which only `unforged scan --resume` is allowed to")
    _room(store)
    return launch(
        store,
        options.database,
        name,
        None,
        actor=user.name,
        bar=bar,
        retry_failed=retry_failed,
        devices=options.devices,
    )


def stop(store: Store, name: str, *, user: User) -> None:
    """Ask a run to stop, wherever it runs.

    Raises:
        NotAllowedError: the user is no admin.
        LookupError: there is no such run.
        ValueError: it does not run (any more).
    """
    require(user, Role.ADMIN)
    Runs(store).stop(name, actor=user.name)


def _standing(store: Store, run: Run, known: Places, user: User) -> Standing:
    results = RunResults(store, run.id)
    n_likely = sum(number for opinion, number in results.opinions().items() if opinion.startswith("likely"))
    return Standing(run if user.role >= Role.ADMIN else _short(run, known), results.counts(), n_likely)


def _short(run: Run, known: Places) -> Run:
    sources = tuple(known.file(source.rstrip("/")) for source in run.plan.sources)
    # What went wrong on the server may name its folders.
    message = "an admin sees why" if run.state is RunState.FAILED else run.message
    return replace(run, plan=replace(run.plan, sources=sources), message=message)


def _is_taken(store: Store, name: str) -> bool:
    try:
        Runs(store).get(name)
    except LookupError:
        return False
    return True


def _room(store: Store) -> list[Run]:
    """What runs on this computer.

    Raises:
        ValueError: there is no room for one more.
    """
    running = [run for run in Runs(store).all() if run.is_running and run.host == platform.node()]
    if len(running) >= MAX_RUNNING:
        raise ValueError(f"{MAX_RUNNING} runs are under way already; wait for one, or stop it")
    return running
