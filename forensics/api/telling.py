"""What a server tells about itself: each event as a line of JSON, and figures in the text format of Prometheus."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

LOG = logging.getLogger("unforged.api")
"""Silent until somebody adds a handler, as the command does."""

PREFIX = "unforged_api"


def tell(event: str, told: Mapping[str, object], *, level: int = logging.INFO) -> None:
    """Log one event as a line of JSON, in ASCII: no name of a file can forge a line."""
    line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **told}
    LOG.log(level, "%s", json.dumps(line, default=str))


class Figures:
    """Counters of one server since it started, without names of tenants or files. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: dict[str, Counter[tuple[tuple[str, str], ...]]] = {}

    def add(self, metric: str, amount: float = 1, **labels: str) -> None:
        """Count something."""
        with self._lock:
            counter = self._counted.setdefault(metric, Counter())
            counter[tuple(sorted(labels.items()))] += amount  # type: ignore[assignment]

    def text(self, gauges: Mapping[str, Mapping[str, float]]) -> str:
        """All of them, with what is measured just now.

        Args:
            gauges: metric -> label, which is a state, -> value; "" for no label.
        """
        with self._lock:
            counted = {metric: dict(values) for metric, values in self._counted.items()}
        lines = []
        for metric, values in counted.items():
            lines.append(f"# TYPE {PREFIX}_{metric}_total counter")
            lines += [f"{PREFIX}_{metric}_total{_labels(dict(labels))} {n:g}" for labels, n in values.items()]
        for metric, states in gauges.items():
            lines.append(f"# TYPE {PREFIX}_{metric} gauge")
            lines += [
                f"{PREFIX}_{metric}{_labels({'state': state} if state else {})} {n:g}" for state, n in states.items()
            ]
        return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
