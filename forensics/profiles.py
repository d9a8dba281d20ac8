"""Profiles: how thoroughly files are examined, as bundles of settings under one name each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from forensics.settings import Limits, ScanSettings

STANDARD = "standard"

_QUICK = ScanSettings(analyzers=("metadata", "provenance", "learned"), detectors=("synthetic",))

PROFILES: Mapping[str, ScanSettings] = {
    "triage": replace(_QUICK, detectors=("glance",)),
    "fast": _QUICK,
    STANDARD: ScanSettings(),
    "deep": ScanSettings(limits=Limits(n_frames=64, timeout_s=600.0, image_timeout_s=60.0, cpu_s=3000.0)),
}
"""Written name -> settings. `dataclasses.replace` changes one of them.

`triage` is `fast` with a detector that stands in for `synthetic`: it looks at a smaller picture, takes a third of the
time and finds less. Its score is another detector's, so that what it finds is for `standard` to look at.

`fast` is what says most for its time of a picture from the web. It gives the same findings as `standard` does for this
part, to the last bit, since nothing else of the settings differs.

`deep` is for single files that matter. Of a clip four times as many frames are looked at, and the time line of a long
one is followed four times as far or further; of a very large picture no analyzer is left out for want of time. Of a
picture that `standard` has time for it says the same, at the same price.
"""
