"""The installed detectors, by written name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generators.catalog import Catalog

if TYPE_CHECKING:
    from detectors.base import Detector

DETECTORS: Catalog[Detector] = Catalog(
    "unforged.detectors",
    {
        "synthetic": "detectors.synthetic:Synthetic",
        "glance": "detectors.glance:Glance",
        "face": "detectors.face:Face",
        "temporal": "detectors.temporal:Temporal",
        "adversarial": "detectors.adversarial:Adversarial",
    },
)
"""Adding one costs a file, its weights and a line here; plug-ins register under the entry-point group."""

STAND_INS = {"glance": "synthetic"}
"""Quicker detectors by name, with the better one that each stands in for. Who asks all detectors asks none of them."""

LOOKS_AGAIN = {"adversarial": "synthetic"}
"""Detectors that look several times through the network of another: where that one is loaded, so is theirs."""
