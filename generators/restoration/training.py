"""The training of every network that rebuilds a photo, from patches to an averaged network: one loop for all.

Around the steps of a `Run` it logs, judges on held-out patches, saves, goes back when losses are no numbers, and stops
when it is done or when its time is up.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generators.checkpoints import load_state, save_state
from generators.restoration.evaluation import judge
from generators.restoration.losses import Features
from generators.restoration.patches import PatchSet
from generators.restoration.run import Run
from generators.restoration.settings import RestorationSettings
from generators.restoration.tasks import Task
from generators.runs import CHECKPOINT, check_folder, counted_rollback
from generators.trainers import Progress

LOG = "log.jsonl"
N_BETWEEN_LINES = 25
"""Steps between two lines of the log."""


def train(
    task: Task,
    patches: PatchSet,
    out: Path,
    settings: RestorationSettings,
    *,
    resume: bool = False,
    report: Callable[[Progress], None] | None = None,
    features: Features | None = None,
) -> Run:
    """Train until `n_images` patches were shown or time is up.

    Args:
        task: what is rebuilt.
        patches: to learn from and to be judged on.
        out: made if missing; holds checkpoint, log and samples.
        settings: of the run.
        resume: go on from the checkpoint in `out`.
        report: called from time to time.
        features: of a frozen network for the perceptual loss.

    Returns:
        The run, its averaged network on the processor.

    Raises:
        FileNotFoundError: nothing to resume.
        FileExistsError: `out` holds a checkpoint and `resume` is False.
        ValueError: a checkpoint of other settings.
        Diverged: losses that are no numbers again and again.
    """
    check_folder(out, resume)
    checkpoint = out / CHECKPOINT
    run = Run(task, patches, settings, features)
    if resume:
        run.resume(load_state(checkpoint))
    out.mkdir(parents=True, exist_ok=True)
    _forget_after(out / LOG, run.n_seen)
    good = run.state()
    hours_before = hours_of(out)
    started, first = time.monotonic(), run.n_seen
    n_saves = run.n_seen // settings.n_between_saves
    while run.n_seen < settings.n_images and not _time_is_up(started, settings.minutes):
        losses = run.advance()
        if not all(map(math.isfinite, losses.values())):
            _roll_back(run, good)
            continue
        rate = (run.n_seen - first) / (time.monotonic() - started)
        if run.step % N_BETWEEN_LINES == 0 and run.fabric.is_global_zero:
            _log(out / LOG, {"n_seen": run.n_seen, "per_second": round(rate, 1), **losses})
            if report is not None:
                report(Progress(run.n_seen, settings.n_images, rate))
        if run.n_seen // settings.n_between_saves > n_saves:
            n_saves = run.n_seen // settings.n_between_saves
            good = _saved(run, out, hours_before + (time.monotonic() - started) / 3600, rate, report)
    seconds = max(time.monotonic() - started, 1e-9)
    _saved(run, out, hours_before + seconds / 3600, (run.n_seen - first) / seconds, report)
    run.averaged.cpu().eval()
    return run


def hours_of(out: Path) -> float:
    """Hours that a run in a folder has taken, over all its starts, up to its last checkpoint."""
    lines = _lines(out / LOG)
    return max((line["hours"] for line in lines if "hours" in line), default=0.0)


def _saved(run: Run, out: Path, hours: float, rate: float, report: Callable[[Progress], None] | None) -> dict[str, Any]:
    """Judge the averaged network, write samples and checkpoint; gives the state that was written."""
    if not run.fabric.is_global_zero:
        return run.state()
    psnr_db = judge(run.task, run.averaged, run.patches.held_out, out / f"samples-{run.n_seen:09d}.png")
    _log(out / LOG, {"n_seen": run.n_seen, "held_out_psnr_db": round(psnr_db, 3), "hours": round(hours, 5)})
    state = run.state()
    save_state(out / CHECKPOINT, state)
    if report is not None:
        report(Progress(run.n_seen, run.settings.n_images, rate, f"held-out PSNR {psnr_db:.2f} dB"))
    return state


def _roll_back(run: Run, good: dict[str, Any]) -> None:
    """Back to the last good state; later draws differ, so that the same accident does not happen again."""
    n_rollbacks = counted_rollback(run.n_rollbacks, f"losses are no numbers after {run.n_seen:,} patches")
    run.restore(good)
    run.n_rollbacks = n_rollbacks


def _time_is_up(started: float, minutes: float) -> bool:
    return minutes > 0 and time.monotonic() - started > minutes * 60


def _log(path: Path, line: dict[str, float]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _lines(path: Path) -> list[dict[str, float]]:
    """What was logged; the last line may have been cut by a kill."""
    lines: list[dict[str, float]] = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with contextlib.suppress(json.JSONDecodeError):
            lines.append(json.loads(line))
    return lines


def _forget_after(path: Path, n_seen: int) -> None:
    """Drop lines that a killed run wrote after its last checkpoint: they are written again."""
    kept = [line for line in _lines(path) if line["n_seen"] <= n_seen]
    path.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
