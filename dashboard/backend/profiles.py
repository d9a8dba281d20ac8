"""How files are examined: the profiles of `unforged scan`, and the outside models that speak, as the settings allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dashboard.backend.configuration import Configuration
from detectors.loading import usually_asked
from detectors.outside.model_folder import names as outside_models
from forensics.profiles import PROFILES, STANDARD
from forensics.settings import Limits, ScanSettings

__all__ = ["NAMES", "STANDARD", "Examination", "as_thorough", "choices", "settings_for", "speaking", "words"]

NAMES = tuple(PROFILES)

_WORDS: Mapping[str, str] = {
    "triage": "As fast, with a detector that looks at a smaller picture: more than twice as fast again, and finds "
    "less. For large archives, to tell what deserves a closer look.",
    "fast": "Metadata, signatures and one trained detector: eight times as fast, for many pictures. It looks for no "
    "copied parts, double compression, swapped faces or cuts.",
    STANDARD: "Every analyzer and every trained detector: about a second a picture.",
    "deep": "As standard, with four times as many frames of a clip and six times as much time, for single files that "
    "matter. Most pictures take no longer.",
}


@dataclass(frozen=True)
class Examination:
    """How somebody wants files to be examined.

    Attributes:
        profile: how thoroughly, one of NAMES.
        outside: outside models that speak; None for the usual ones. A profile that asks none asks none of them.
    """

    profile: str = STANDARD
    outside: tuple[str, ...] | None = None


def words(profile: str) -> str:
    """What a profile does and what it costs, in plain text."""
    return _WORDS[profile]


def choices(profile: str, settings: ScanSettings) -> tuple[str, ...]:
    """Outside models among which one may choose under a profile; none where it names the detectors it asks."""
    is_choosy = PROFILES[profile].detectors is not None or settings.detectors is not None
    return () if is_choosy else outside_models(settings.models)


def speaking(configuration: Configuration) -> tuple[str, ...]:
    """Outside models that speak unless somebody chooses others."""
    return tuple(name for name in outside_models(configuration.scan.models) if name not in configuration.silent)


def settings_for(how: Examination, configuration: Configuration) -> ScanSettings:
    """The settings of a scan.

    Raises:
        ValueError: there is no such profile, nothing of it is left, or an outside model is not there (any more).
    """
    scan = as_thorough(how.profile, configuration.scan)
    known = choices(how.profile, configuration.scan)
    asked = speaking(configuration) if how.outside is None else how.outside
    if not known:
        return scan
    if gone := sorted({*asked} - {*known}):
        raise ValueError(f"the outside model {gone[0]} is not there (any more)")
    # Settings that name nobody are the usual ones: what was scanned under them is known already.
    spoken = tuple(name for name in known if name in asked)
    return scan if spoken == known else replace(scan, detectors=(*usually_asked(), *spoken))


def as_thorough(profile: str, settings: ScanSettings) -> ScanSettings:
    """The settings in force, as thorough as a profile; what an admin has left out stays out.

    Args:
        profile: one of NAMES; the standard one changes nothing.
        settings: in force.

    Raises:
        ValueError: there is no such profile, or nothing of it is left.
    """
    if profile not in PROFILES:
        raise ValueError(f"there is no profile {profile!r}; there is {', '.join(NAMES)}")
    wanted = PROFILES[profile]
    analyzers = _both(wanted.analyzers, settings.analyzers)
    if analyzers == ():
        raise ValueError(f"the settings leave nothing of the profile {profile!r}")
    detectors = _both(wanted.detectors, settings.detectors)
    return replace(settings, analyzers=analyzers, detectors=detectors, limits=_larger(settings.limits, wanted.limits))


def _both(wanted: tuple[str, ...] | None, allowed: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """What is in both lists, in the order of the first; None stands for everything."""
    if wanted is None or allowed is None:
        return allowed if wanted is None else wanted
    return tuple(name for name in wanted if name in allowed)


def _larger(now: Limits, wanted: Limits) -> Limits:
    """Limits with what a profile raises over the usual ones, unless they are higher already."""
    usual = Limits()
    raised = {
        name: max(getattr(now, name), value) for name, value in vars(wanted).items() if value != getattr(usual, name)
    }
    return replace(now, **raised)
