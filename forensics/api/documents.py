"""The error part of the OpenAPI document: each route names each status that it may answer with."""

from __future__ import annotations

from typing import Any

from forensics.api.problems import ABOUT
from forensics.api.shapes import Problem

_RETRY = {"Retry-After": {"description": "Seconds until it may work.", "schema": {"type": "integer", "minimum": 1}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Descriptions of errors for a route."""
    return {
        status: {"model": Problem, "description": ABOUT[status]} | ({"headers": _RETRY} if status in (429, 503) else {})
        for status in statuses
    }
