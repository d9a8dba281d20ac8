"""Durable runs over many files: cut off at any moment they go on, and every file has exactly one result."""

from forensics.runs.durable import DurableRun, Settings
from forensics.runs.outputs import ResultFiles
from forensics.runs.work import Ended

__all__ = ["DurableRun", "Ended", "ResultFiles", "Settings"]
