"""One fitted ratio out of all that analyzers and detectors say of a file; any of them may be missing.

The verdict's rule takes the strongest finding of each trace family and sums them, as if families knew nothing of each
other. A logistic regression on the same log-ratios learns what each voice is worth beside the others, and what it means
that one had nothing to say. It is a plain JSON file of a few numbers, so that it ships without running anything.

A missing voice can be a trap: where fakes are PNG and photos JPEG, silence about JPEG tells the container. Scan files
that went through one and the same wash for both classes before fitting.

Source:
    Brümmer et al., IEEE TASLP 15(7), 2007: linear logistic regression fusion of ratios.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.calibration import LlrModel, fit_llr
from detectors.metrics import Interval, auroc, cllr
from detectors.operating import redrawn
from detectors.probe import N_FOLDS, fold_of
from forensics.finding import Claim, Finding, Trace
from forensics.report import FUSION, ScanReport
from forensics.verdict import claim_llr, heard, times

NAME = FUSION

LEAST_SEEN = 10
"""Files that a voice must speak about, and be silent about, for its ratio, or its silence, to be learned from."""

N_RESAMPLES = 1000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """The fitted ratio beside the rule, on sources that it was not fitted on.

    Attributes:
        n_fake, n_real, n_sources: what it was judged on.
        auroc, rule_auroc: of the fitted ratio, and of the sum that the rule makes of the findings about the same claim.
        cllr, rule_cllr: cost in bits.
        cllr_gain: 95 % interval of the rule's cost less the fitted one's, whole sources redrawn.
    """

    n_fake: int
    n_real: int
    n_sources: int
    auroc: float
    rule_auroc: float
    cllr: float
    rule_cllr: float
    cllr_gain: Interval

    @property
    def beats_the_rule(self) -> bool:
        """Whether the gain is more than the luck of the drawn sources."""
        return self.cllr_gain.low > 0 and self.auroc >= self.rule_auroc


def voices(findings: Iterable[Finding]) -> dict[str, float]:
    """The strongest log10 ratio of each analyzer that the rule hears; each trained detector is a voice of its own."""
    found: dict[str, float] = {}
    for finding in heard(findings):
        detector = dict(finding.details).get("detector", "") if finding.trace is Trace.LEARNED else ""
        name = f"{finding.analyzer} {detector}".strip()
        if finding.llr is not None and abs(finding.llr) >= abs(found.get(name, 0.0)):
            found[name] = finding.llr
    return found


def measures(findings: Iterable[Finding], features: Sequence[str]) -> dict[str, float]:
    """What a model asks of a file: ratios, 0 of a missing voice, and for each silence that counts a 1."""
    spoken = voices(findings)
    return {
        name: float(name.removeprefix("no ") not in spoken) if name.startswith("no ") else spoken.get(name, 0.0)
        for name in features
    }


def fit(
    reports: Sequence[ScanReport], labels: Sequence[int], sources: Sequence[str], claim: Claim = Claim.SYNTHETIC
) -> tuple[LlrModel, Comparison]:
    """Fit on all reports, and compare with the rule on sources held out in turn.

    Args:
        reports: of files of known origin.
        labels: 1 fake, 0 real.
        sources: where each file is from.
        claim: what the fakes are. The rule weighs synthetic and manipulated apart, and a photo's verdict may be about
            the other one: only what it says about the same claim is a fair rival.

    Raises:
        ValueError: too few reports, sources or voices.
    """
    y = np.asarray(labels, np.int64)
    features = _features(reports)
    rows = np.array([list(measures(r.findings, features).values()) for r in reports], np.float64)
    fused = _held_out(features, rows, y, sources)
    rule = np.array([claim_llr(r.findings, claim) for r in reports], np.float64)
    compared = Comparison(
        n_fake=int((y == 1).sum()),
        n_real=int((y == 0).sum()),
        n_sources=len(set(sources)),
        auroc=auroc(y, fused),
        rule_auroc=auroc(y, rule),
        cllr=cllr(y, fused),
        rule_cllr=cllr(y, rule),
        cllr_gain=_gain(y, fused, rule, sources),
    )
    about = ", ".join(f"{n} {'fakes' if label else 'reals'}" for label, n in sorted(Counter(y.tolist()).items()))
    held_out = {"auroc": compared.auroc, "cllr": compared.cllr, "rule_cllr": compared.rule_cllr}
    fitted_on = f"{about} of {compared.n_sources} sources"
    return fit_llr(features, rows, y, sources, fitted_on=fitted_on, held_out=held_out), compared


def spoken(findings: Sequence[Finding], model: LlrModel) -> Finding:
    """The fitted ratio as a finding for the eye: the verdict rests on the same findings, none may count twice."""
    asked = measures(findings, model.features)
    llr = model.llr(asked)
    side = "fakes than on photos" if llr > 0 else "photos than on fakes"
    return Finding(
        analyzer=NAME,
        trace=Trace.LEARNED,
        summary=f"All findings together, weighed as fitted: {times(llr)} more usual on {side}",
        explanation=f"A second opinion beside the verdict, from the same findings; fitted on {model.fitted_on}.",
        measures={"llr": llr},
        details=tuple(
            (name, f"{weight * (asked[name] - center) / scale / np.log(10):+.2f}")
            for name, weight, center, scale in zip(
                model.features, model.weights, model.center, model.scale, strict=True
            )
            if weight
        ),
    )


def read_reports(folder: Path) -> list[ScanReport]:
    """Reports of earlier scans, as `unforged scan --format json --out` writes them.

    Raises:
        ValueError: there are none, or one is no report.
    """
    found = []
    for path in sorted(folder.rglob("*.json")):
        try:
            found.append(ScanReport.from_dict(json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, AttributeError) as error:
            raise ValueError(f"{path} is no report of a scan: {error}") from error
    if not found:
        raise ValueError(f"{folder} holds no reports (*.json)")
    return found


def read_model(path: Path) -> LlrModel:
    """A fitted model as `unforged train fusion` wrote it.

    Raises:
        OSError: it cannot be read.
        ValueError: it is none.
    """
    try:
        return LlrModel.load(path)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is no fitted fusion: {error}") from error


def _features(reports: Sequence[ScanReport]) -> tuple[str, ...]:
    heard: Counter[str] = Counter(name for report in reports for name in voices(report.findings))
    speaking = [name for name in sorted(heard) if heard[name] >= LEAST_SEEN]
    if not speaking:
        raise ValueError(f"no analyzer gave a ratio on {LEAST_SEEN} of the {len(reports)} files or more")
    silent = [f"no {name}" for name in speaking if len(reports) - heard[name] >= LEAST_SEEN]
    return (*speaking, *silent)


def _held_out(features: Sequence[str], rows: Floats, labels: NDArray[np.int64], sources: Sequence[str]) -> Floats:
    """Log10 ratios (N,), each from a model that did not see the file's source."""
    folds, found = np.array([fold_of(source, ()) for source in sources]), np.zeros(len(labels))
    for fold in np.unique(folds):
        seen = folds != fold
        if len({*labels[seen].tolist()}) < 2:
            raise ValueError(f"{len(set(sources))} sources are too few for {N_FOLDS} folds of both classes")
        own = [source for source, kept in zip(sources, seen, strict=True) if kept]
        model = fit_llr(features, rows[seen], labels[seen], own, fitted_on="")
        found[~seen] = [model.llr(dict(zip(features, row, strict=True))) for row in rows[~seen].tolist()]
    return found


def _gain(labels: NDArray[np.int64], fused: Floats, rule: Floats, sources: Sequence[str]) -> Interval:
    """Interval of the rule's cost less the fitted one's, on the same redrawn sources."""
    rng, names = np.random.default_rng(0), np.asarray(sources)
    total = np.zeros(N_RESAMPLES)
    for label in (0, 1):
        own = labels == label
        sign = np.log(10) * (1 if label == 0 else -1)
        less = np.logaddexp(0, sign * rule[own]) - np.logaddexp(0, sign * fused[own])
        counts = redrawn(names[own], rng, N_RESAMPLES)
        total += (counts @ less) / counts.sum(1) / 2 / np.log(2)
    low, high = np.quantile(total, (0.025, 0.975))
    return Interval(float(low), float(high))


def rows_of(compared: Comparison) -> Mapping[str, str]:
    """A comparison in words."""
    gain = compared.cllr_gain
    return {
        "judged on": (
            f"{compared.n_fake} fakes and {compared.n_real} reals of {compared.n_sources} sources, held out in turn"
        ),
        "AUROC, fitted and rule": f"{compared.auroc:.3f} {compared.rule_auroc:.3f}",
        "Cllr, fitted and rule": f"{compared.cllr:.3f} {compared.rule_cllr:.3f}",
        "gain in Cllr": f"{compared.rule_cllr - compared.cllr:.3f} ({gain.low:.3f} to {gain.high:.3f})",
        "beats the rule": "yes" if compared.beats_the_rule else "no",
    }
