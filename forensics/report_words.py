"""Puts a report into plain sentences: what the numbers mean, how strong a finding is, how to repeat the scan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from forensics.analyzers import ANALYZERS
from forensics.containers.member import INTO
from forensics.finding import Claim, Finding, Trace
from forensics.hostile_text import one_line, shell_word
from forensics.report import FUSION, SEEN_BEFORE, ScanReport
from forensics.settings import Limits
from forensics.verdict import Opinion, Reason, Verdict, outweighed, times

INSIDE = " › "
"""Between a container and a file in it, for people."""

LIMITS_OF_TOOLS = (
    "No tool can show that a file is authentic. A forgery can leave no trace that is looked for here, and saving, "
    "shrinking or sending a file removes traces. Read this report together with where the file comes from."
)

TRACE_WORDS: Mapping[Trace, str] = {
    Trace.PROVENANCE: "What the file says about itself",
    Trace.COMPRESSION: "Traces of compression",
    Trace.SENSOR: "Traces of the camera sensor",
    Trace.GEOMETRY: "Traces of copying and resizing",
    Trace.TIMELINE: "Traces along the time line",
    Trace.LEARNED: "A trained detector",
}

_QUESTIONS: Mapping[Claim | None, str] = {
    Claim.SYNTHETIC: "that a machine made it",
    Claim.MANIPULATED: "that it was altered",
    None: "of manipulation or synthesis",
}

_STRENGTH_WORDS = ((0.3, "says next to nothing"), (1.0, "weak"), (2.0, "moderate"), (3.0, "moderately strong"))
"""Upper bounds of log10 ratios, after the verbal scale of ENFSI (Guideline for Evaluative Reporting, 2015)."""

_LIMIT_OPTIONS = {
    "max_bytes": "--max-bytes",
    "max_pixels": "--max-pixels",
    "max_frames": "--max-frames",
    "max_duration_s": "--max-duration",
    "n_frames": "--frames",
    "timeout_s": "--timeout",
    "image_timeout_s": "--image-timeout",
    "cpu_s": "--cpu",
    "memory_bytes": "--memory",
}
"""Settings.limits -> option of `unforged scan`."""


def title(analyzer: str) -> str:
    """Heading of an analyzer; its written name where it is not installed here."""
    try:
        return ANALYZERS.load(analyzer).title
    except (LookupError, ImportError, AttributeError):
        return one_line(analyzer).replace("_", " ").capitalize()


class Named(Protocol):
    """What has a name to show: a report, a scan, an entry of the queue; hostile text."""

    @property
    def path(self) -> str:
        """Where it lay, "" if that is not known."""
        ...

    @property
    def filename(self) -> str:
        """The last part of it, or what somebody called it."""
        ...


def name_of(file: Named, limit: int) -> str:
    """Name of a file on one line, hidden characters made visible; of one inside containers with the way to it.

    That way reads "case.zip › scan.pdf › object-3.jpeg".

    Args:
        limit: characters kept of a longer one.
    """
    container, into, inside = file.path.partition(INTO)
    steps = [container.rpartition("/")[2], *inside.split(INTO)] if into else [file.filename]
    return one_line(INSIDE.join(steps), limit)


def percent(probability: float) -> str:
    """A probability in whole per cent, never 0 or 100: neither can be known."""
    if probability < 0.01:
        return "below 1\u00a0%"
    return "over 99\u00a0%" if probability > 0.99 else f"{probability:.0%}".replace("%", "\u00a0%")


def time_code(time_s: float) -> str:
    """Minutes, seconds and tenths, as players show it."""
    tenths = round(time_s * 10)
    hours, minutes, seconds = tenths // 36000, tenths // 600 % 60, tenths % 600 / 10
    return f"{hours}:{minutes:02d}:{seconds:04.1f}" if hours else f"{minutes}:{seconds:04.1f}"


def question(report: ScanReport) -> str:
    """What the probability is about, to follow the word."""
    return _QUESTIONS[report.verdict.claim]


def rule(report: ScanReport) -> str:
    """How findings come together, and which of the two explanations decided."""
    claim = report.verdict.claim
    decided = f"; {claim} is the likelier one here, so only findings about it count" if claim is not None else ""
    if claim is not None and (report.verdict.opinion is Opinion.NO_TRACE_FOUND or report.verdict.llr <= 0):
        decided = (
            "; neither became much likelier by what was found here, and only findings about the one that is ruled "
            f"out less count: {claim}"
        )
    return (
        f"Two explanations are weighed apart, that a machine made the file and that it was altered{decided}. Findings "
        "about the same trace are not added up: the strongest one of each trace counts."
    )


def step(reason: Reason, verdict: Verdict) -> str:
    """A step of the verdict as people read it, with titles where the verdict has names of analyzers and traces."""
    stronger = next((r for r in verdict.reasons if r.counted and r.trace is reason.trace), None)
    if stronger is None:
        return reason.sentence
    named = f"{outweighed(stronger.analyzer, reason.trace)}."
    if not reason.sentence.endswith(named):
        return reason.sentence
    by = f"{'another' if stronger.analyzer == reason.analyzer else 'a'} finding of {title(stronger.analyzer)}"
    return f"{reason.sentence.removesuffix(named)}{outweighed(by, TRACE_WORDS[reason.trace])}."


def meaning(report: ScanReport) -> str:
    """What the probability says, with the assumption it rests on."""
    prior = percent(report.settings.prior)
    claim = report.verdict.claim
    if not any(reason.counted for reason in report.verdict.reasons):
        return (
            f"No calibrated finding counts, so the probability stays at what this scan assumed beforehand: {prior} "
            "of such files manipulated or synthetic."
        )
    if abs(report.verdict.llr) < _STRENGTH_WORDS[0][0]:
        return (
            f"The findings hardly change what this scan assumed beforehand: {prior} of such files {claim}. The "
            f"number is mostly that assumption.{_other(report)}"
        )
    return (
        f"Among files with findings like these, {percent(report.verdict.probability)} would be {claim}, if {prior} "
        "of all files were so beforehand. That share is an assumption of this scan; with another one the probability "
        f"changes, the evidence does not.{'' if report.verdict.llr > 0 else _other(report)}"
    )


def _other(report: ScanReport) -> str:
    (other,) = set(Claim) - {report.verdict.claim}
    if any(f.llr is not None and f.claim in (other, None) for f in report.findings):
        return f" That it is {other} is no likelier."
    return f" Whether it is {other}, nothing calibrated could tell."


def strength(finding: Finding) -> str:
    """How strong a finding is, in words and as how much more usual it is on one side."""
    if finding.llr is None:
        return "For the eye only: it has no ratio and does not count."
    size = abs(finding.llr)
    word = next((word for bound, word in _STRENGTH_WORDS if size < bound), "strong")
    side = f"{finding.claim} files than on untouched ones"
    if finding.llr <= 0:
        side = f"untouched files than on {finding.claim or 'other'} ones"
    if size < _STRENGTH_WORDS[0][0]:
        return f"This {word}: about as usual on untouched files as on others."
    return f"{word.capitalize()} evidence: {times(size)} more usual on {side}."


def total(report: ScanReport) -> str:
    """The last step of the verdict: from the share beforehand over the ratio to the probability."""
    llr = report.verdict.llr
    if abs(llr) < 0.005:
        together = "the counted findings together say nothing either way"
    else:
        side = f"{report.verdict.claim} files" if llr > 0 else "untouched files"
        together = f"together {times(llr)} more usual on {side}"
    start = f"Beforehand {percent(report.settings.prior)}; {together}; "
    return f"{start}afterwards {percent(report.verdict.probability)}: {report.verdict.opinion}."


def numbered(labels: Iterable[str], whole: str = "") -> str:
    """What is marked on a picture: each label once, behind the numbers of the rectangles that bear it, as "1, 3: face".

    Args:
        labels: of the rectangles, in the order of their numbers.
        whole: of what is marked over all of it, without a number; "" for nothing.
    """
    numbers: dict[str, list[str]] = {whole: []} if whole else {}
    for number, label in enumerate(labels, 1):
        numbers.setdefault(label, []).append(str(number))
    return "; ".join(": ".join(filter(None, (", ".join(found), label))) for label, found in numbers.items())


def examined(report: ScanReport) -> tuple[str, ...]:
    """Names of the analyzers that took part, in the order in which they ran."""
    found = [f.analyzer for f in report.findings if f.analyzer not in (SEEN_BEFORE, FUSION)]
    named = dict.fromkeys([*report.timings_s, *found, *report.skipped, *report.failed])
    known = {*ANALYZERS.names(), *found, *report.skipped, *report.failed}
    return report.settings.analyzers or tuple(name for name in named if name in known)


def command(report: ScanReport) -> str:
    """The command that repeats the scan, quoted for a POSIX shell; of a file inside a container it names that."""
    settings = report.settings
    words = [
        "unforged",
        "scan",
        "--analyzers",
        shell_word(",".join(examined(report))),
        "--prior",
        f"{settings.prior:g}",
    ]
    if settings.detectors is not None:
        words += ["--detectors", shell_word(",".join(settings.detectors))]
    for name in ("trust_list", "cameras", "models", "fusion"):
        option, value = f"--{name.replace('_', '-')}", getattr(settings, name)
        if value is not None:
            words += [option, shell_word(str(value))]
    usual = Limits()
    for name, option in _LIMIT_OPTIONS.items():
        value = getattr(settings.limits, name)
        if value != getattr(usual, name):
            words += [option, str(value)]
    path = report.path.partition(INTO)[0] or "-"
    if path.startswith("-") and path != "-":
        words.append("--")
    return " ".join([*words, shell_word(path)])
