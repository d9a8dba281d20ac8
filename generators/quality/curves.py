"""Curves of a run: one PNG sheet, and TensorBoard where it is installed."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generators.extras import needs
from generators.labels import drawn_texts
from generators.quality.log import LogLine
from generators.whole_files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from generators.quality.estimates import Figure

CURVES = "curves.png"
EVENTS = "events"

N_COLUMNS = 3
SIZE_INCHES = (13.5, 12.0)
DPI = 110

Reading = Callable[[LogLine], "float | Figure | None"]


@dataclass(frozen=True)
class Panel:
    """One diagram of the sheet.

    Attributes:
        title: what is drawn.
        curves: legend -> reading of a line of the log; a figure is drawn with its interval.
        logarithmic: whether the axis is, from the least value to the largest.
    """

    title: str
    curves: dict[str, Reading]
    logarithmic: bool = False


def _figure(name: str) -> Reading:
    def read(line: LogLine) -> Figure | None:
        return None if line.quality is None else line.quality.figures()[name]

    return read


PANELS = (
    Panel("losses", {"discriminator": lambda line: line.loss_d, "generator": lambda line: line.loss_g}),
    Panel(
        "mean sign of D(real) - D(fake)",
        {"training pictures": lambda line: line.sign_real, "held-out": lambda line: line.sign_held_out},
    ),
    Panel("gradient penalties", {"R1": lambda line: line.r1, "R2": lambda line: line.r2}, logarithmic=True),
    Panel("FD-lite0", {"fakes": _figure("fd_lite0"), "reals (floor)": _figure("fd_floor")}, logarithmic=True),
    Panel("KD-lite0", {"fakes": _figure("kd_lite0"), "reals (floor)": _figure("kd_floor")}),
    Panel(
        "shares of fakes and of reals",
        {name: _figure(name) for name in ("precision", "recall", "density", "coverage")},
    ),
    Panel("variety over that of reals, copies", {"spread": _figure("spread"), "copied": _figure("copied")}),
    Panel(
        "steering",
        {"strength of augmentation": lambda line: line.augment, "steps of D for one of G": lambda line: line.d_per_g},
    ),
    Panel("real pictures a second", {"": lambda line: line.per_second}),
)


class Curves:
    """Draws the log of a run into its folder.

    Args:
        out: folder of the run.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._told: dict[int, LogLine] = {}
        self._events: Any = None

    def draw(self, lines: Sequence[LogLine]) -> None:
        """Write `curves.png` anew, and to TensorBoard in `events` what it was not told yet.

        Args:
            lines: those that stand, of the whole run.

        Raises:
            ImportError: matplotlib is missing. Without TensorBoard there is only the sheet.
            OSError: disk full or folder not writable.
        """
        write_whole(self._out / CURVES, curve_sheet(lines))
        new = [line for line in lines if self._told.get(line.n_seen) != line]
        if not new or not self._opened(new[0].n_seen):
            return
        for line in new:
            self._told[line.n_seen] = line
            for tag, value in scalars(line).items():
                self._events.add_scalar(tag, value, line.n_seen)
        self._events.flush()

    def _opened(self, n_seen: int) -> bool:
        """Whether TensorBoard is there; a resumed run tells its log again, in place of what an earlier one told."""
        if self._events is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                return False
            self._events = SummaryWriter(str(self._out / EVENTS), purge_step=n_seen)
        return True


def curve_sheet(lines: Sequence[LogLine]) -> bytes:
    """The PNG sheet; panels without a reading stay empty.

    Raises:
        ImportError: matplotlib is missing.
    """
    with needs("learned"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    FigureCanvasAgg(drawing)
    grid = drawing.subplots(-(-len(PANELS) // N_COLUMNS), N_COLUMNS, squeeze=False)
    for axes, panel in zip(grid.flat, PANELS, strict=True):
        _draw(axes, panel, lines)
    out = io.BytesIO()
    drawing.savefig(out, format="png", metadata=drawn_texts("Curves of a training run"))
    return out.getvalue()


def scalars(line: LogLine) -> dict[str, float]:
    """Every reading of a line that is a number, under its panel and legend."""
    found: dict[str, float] = {}
    for panel in PANELS:
        for legend, reading in panel.curves.items():
            value = _ends(reading(line))[0]
            if math.isfinite(value):
                found[f"{panel.title}/{legend}" if legend else panel.title] = value
    return found


def _draw(axes: Axes, panel: Panel, lines: Sequence[LogLine]) -> None:
    axes.set_title(panel.title, fontsize=10)
    axes.set_xlabel("real pictures seen", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    axes.xaxis.set_major_formatter(lambda n, _: f"{n / 1e6:g} M" if n >= 1e6 else f"{n / 1e3:g} k")
    for legend, reading in panel.curves.items():
        _draw_curve(axes, legend, [(line.n_seen, *_ends(reading(line))) for line in lines])
    if panel.logarithmic and axes.lines:
        from matplotlib.ticker import LogFormatter

        axes.set_yscale("log", nonpositive="mask")
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    if len(panel.curves) > 1 and axes.lines:
        axes.legend(fontsize=8, framealpha=0.6)
    for line in lines:
        if line.note:
            axes.axvline(line.n_seen, color="tab:red", linewidth=0.6, alpha=0.5)


def _draw_curve(axes: Axes, legend: str, points: Sequence[tuple[int, float, float, float]]) -> None:
    """Values as a line with dots, intervals as a band."""
    known = [point for point in points if math.isfinite(point[1])]
    if not known:
        return
    n_seen, values, low, high = zip(*known, strict=True)
    (drawn,) = axes.plot(n_seen, values, label=legend, marker=".", markersize=4, linewidth=1.2)
    if low != high:
        axes.fill_between(n_seen, low, high, color=drawn.get_color(), alpha=0.2, linewidth=0)


def _ends(value: float | Figure | None) -> tuple[float, float, float]:
    """Value, low and high end."""
    if value is None:
        return (math.nan,) * 3
    if isinstance(value, float | int):
        return (float(value),) * 3
    return value.value, value.low, value.high
