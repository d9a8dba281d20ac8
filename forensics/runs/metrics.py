"""How a run stands, in the text format of Prometheus, for its node exporter to pick up (textfile collector)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from forensics.store.run_words import ErrorClass, FileState
from generators.whole_files import write_whole

EVERY_S = 5.0
"""A scrape is rarer."""


def write_metrics(
    path: Path,
    name: str,
    *,
    states: Mapping[FileState, int],
    opinions: Mapping[str, int],
    errors: Iterable[ErrorClass],
    is_running: bool,
    now_s: float,
) -> None:
    """Write all metrics of a run; the file appears whole.

    Args:
        path: a name ending in .prom is what the collector looks for.
        name: of the run.
        states, opinions, errors: counts by now.
        is_running: whether the pass goes on.
        now_s: seconds since 1970, by which somebody may tell that it hangs.

    Raises:
        OSError: it cannot be written.
    """
    texts = [
        *_family("unforged_run_files", "Files by state.", name, "state", {str(s): n for s, n in states.items()}),
        *_family("unforged_run_opinions", "Examined files by opinion.", name, "opinion", opinions),
        *_family("unforged_run_errors", "Files by class of error.", name, "code", {e.code: e.n_files for e in errors}),
        *_family("unforged_run_running", "1 while a pass goes on.", name, None, {"": int(is_running)}),
        *_family("unforged_run_updated_timestamp_seconds", "When this was written.", name, None, {"": round(now_s, 3)}),
    ]
    write_whole(path, ("\n".join(texts) + "\n").encode())


def _family(metric: str, about: str, run: str, label: str | None, values: Mapping[str, float]) -> list[str]:
    lines = [f"# HELP {metric} {about}", f"# TYPE {metric} gauge"]
    for value, number in values.items():
        labels = f'run="{_escaped(run)}"' + (f',{label}="{_escaped(value)}"' if label is not None else "")
        lines.append(f"{metric}{{{labels}}} {number}")
    return lines


def _escaped(text: str) -> str:
    return str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
