"""What became of one container: how many files came out of it, what was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_NAMES = 100
"""Members that an account names; all are counted."""

MAX_NAME_CHARS = 1000

HIDDEN, LINK, DEVICE, PART, DUPLICATE, SIGNATURE = "hidden", "link", "device", "no picture", "duplicate", "signature"


@dataclass(frozen=True)
class Account:
    """What became of one container.

    Attributes:
        format: its kind, of `kinds.container_kind_of`.
        n_files: files in it that have a result of their own, also those that could not be examined.
        left_out: reason -> members that have none: hidden files, links, devices, parts of a document that are no
            picture, files that are byte for byte the same as one that was already found, and signatures that vouch for
            the container as a whole.
        names: the first MAX_NAMES of these, each with its reason; hostile text.
    """

    format: str
    n_files: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    names: tuple[tuple[str, str], ...] = ()

    @property
    def sentence(self) -> str:
        """For people, without names."""
        files = "1 file inside" if self.n_files == 1 else f"{self.n_files} files inside"
        if not self.left_out:
            return files
        reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(self.left_out.items()))
        return f"{files}, {sum(self.left_out.values())} left out ({reasons})"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "n_files": self.n_files,
            "left_out": dict(self.left_out),
            "names": [{"name": name, "reason": reason} for name, reason in self.names],
        }


def together(accounts: Sequence[Account]) -> Account:
    """The account of a container of which each of these has told a share.

    Args:
        accounts: at least one.
    """
    left_out: Counter[str] = Counter()
    for account in accounts:
        left_out.update(account.left_out)
    names = tuple(name for account in accounts for name in account.names)
    return Account(accounts[0].format, sum(account.n_files for account in accounts), left_out, names[:MAX_NAMES])


class Tally:
    """An account that is being drawn up."""

    def __init__(self) -> None:
        self.n_files = 0
        self._left_out: Counter[str] = Counter()
        self._names: list[tuple[str, str]] = []

    def leave_out(self, name: str, reason: str) -> None:
        """Count a member that gets no result of its own."""
        self._left_out[reason] += 1
        if len(self._names) < MAX_NAMES:
            self._names.append((name[:MAX_NAME_CHARS], reason))

    def account(self, kind: str) -> Account:
        """As it stands."""
        return Account(kind, self.n_files, dict(self._left_out), tuple(self._names))
