"""The attacks there are."""

from __future__ import annotations

from detectors.attacks.base import Attack
from generators.catalog import Catalog

ATTACKS: Catalog[Attack] = Catalog(
    "unforged.attacks",
    {
        "gan-face": "detectors.attacks.gan:GanFace",
        "gan-photo": "detectors.attacks.gan:GanPhoto",
        "reconstruct": "detectors.attacks.rebuilding:Reconstruct",
        "superres": "detectors.attacks.rebuilding:Superres",
        "selfblend": "detectors.attacks.blending:SelfBlendSearch",
        "laundering": "detectors.attacks.laundering:LaunderingDrawn",
        "laundering-rebuilt": "detectors.attacks.laundering:LaunderingRebuilt",
        "pgd": "detectors.attacks.gradient:Pgd",
        "transfer": "detectors.attacks.transfer:Transfer",
        "patch": "detectors.attacks.patch:Patch",
        "square": "detectors.attacks.square:Square",
    },
)
"""Adding one costs a file and a line here; plug-ins register under the entry-point group."""
