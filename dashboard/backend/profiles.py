"""How thoroughly files are examined: the profiles of `unforged scan`, under the settings that are in force here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from detectors.outside.model_folder import names as outside_models
from forensics.profiles import PROFILES, STANDARD
from forensics.settings import Limits, ScanSettings

__all__ = ["NAMES", "STANDARD", "as_thorough", "words"]

NAMES = tuple(PROFILES)

_WORDS: Mapping[str, str] = {
    "fast": "Metadata, signatures and one trained detector: eight times as fast, for many pictures. It looks for no "
    "copied parts, double compression, swapped faces or cuts.",
    STANDARD: "Every analyzer and every trained detector: about a second a picture.",
    "deep": "As standard, with four times as many frames of a clip and six times as much time, for single files that "
    "matter. Most pictures take no longer.",
}


def words(profile: str, settings: ScanSettings) -> str:
    """What a profile does and what it costs, in plain text; outside models that it asks are named.

    Args:
        profile: one of NAMES.
        settings: in force.
    """
    is_choosy = PROFILES[profile].detectors is not None or settings.detectors is not None
    asked = () if is_choosy else outside_models(settings.models)
    return _WORDS[profile] + (f" Outside models that are asked as well: {', '.join(asked)}." if asked else "")


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
