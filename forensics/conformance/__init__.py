"""Checks that a plug-in keeps the rules of docs/plugins.md, on small media made for it.

The project's own pieces pass the same checks: tests/contracts walks the catalogues.
"""

from __future__ import annotations

from forensics.conformance.analyzers import check_analyzer
from forensics.conformance.detectors import check_detector
from forensics.conformance.generators import check_generator
from forensics.conformance.rules import ConformanceError, Rule

__all__ = ["ConformanceError", "Rule", "check_analyzer", "check_detector", "check_generator"]
