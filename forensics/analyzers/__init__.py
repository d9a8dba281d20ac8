"""The analyzers, by written name. Adding one costs one file and one line here, or an entry point elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generators.catalog import Catalog

if TYPE_CHECKING:
    from forensics.analyzers.base import Analyzer

ANALYZERS: Catalog[Analyzer] = Catalog(
    "unforged.analyzers",
    {
        "metadata": "forensics.analyzers.metadata:Metadata",
        "provenance": "forensics.analyzers.provenance:Provenance",
        "learned": "forensics.analyzers.learned:Learned",
        "ela": "forensics.analyzers.ela:Ela",
        "noise": "forensics.analyzers.noise:Noise",
        "resampling": "forensics.analyzers.resampling:Resampling",
        "spectrum": "forensics.analyzers.spectrum:Spectrum",
        "jpeg_history": "forensics.analyzers.jpeg_history:JpegHistory",
        "copy_move": "forensics.analyzers.copy_move:CopyMove",
        "timeline": "forensics.analyzers.timeline:Timeline",
    },
)
