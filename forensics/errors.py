"""What can be wrong with an input, each with a short code that summaries count."""

from __future__ import annotations


class MediaError(ValueError):
    """A file that cannot be examined: broken, lying about itself, over a limit, or not media.

    Attributes:
        code: a stable word for the class of error, such as "truncated" or "too-many-pixels".
    """

    CODES = (
        "empty",
        "not-media",
        "unsupported",
        "broken",
        "truncated",
        "too-many-bytes",
        "too-many-pixels",
        "too-many-frames",
        "too-long",
        "timeout",
        "out-of-cpu-time",
        "out-of-memory",
        "crashed",
        "unreadable",
        "encrypted",
        "bomb",
        "too-deep",
        "too-many-members",
    )

    RETRIED = ("crashed", "timeout", "out-of-cpu-time", "out-of-memory", "unreadable")
    """Codes that may be the machine's fault: such a file is tried once more, after all others. What is empty, broken or
    too large is so the second time as well."""

    def __init__(self, code: str, message: str) -> None:
        if code not in self.CODES:
            raise ValueError(f"unknown error code {code!r}")
        # One line whatever the decoder said: it goes into tables, logs and terminals.
        super().__init__(code, " ".join(message.split()))
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


def in_one_line(error: Exception) -> str:
    """What was raised, with its kind: for faults that nobody foresaw."""
    return " ".join(f"{type(error).__name__}: {error}".split())
