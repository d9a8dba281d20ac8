"""Versions of detectors learned here, in `<models folder>/versions/<detector>/`; what ships is never written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from detectors.base import Relearnable
from detectors.catalog import DETECTORS
from detectors.lineage import Lineage, Version, base_of, number_of, numbered
from detectors.locking import held
from detectors.promotions import PROMOTED, ROLLED_BACK, Change, append_change, read_changes, standing
from detectors.shipped import shipped
from detectors.version_files import check_weights, discard, keep, listed, read, read_or_blame
from generators.weights import ModelCard, load

FOLDER = "versions"
"""In the folder of models; one folder a detector below it."""

CARD = ".card.json"
"""How the file of a card ends."""

WAIT_S = 10.0
"""How long a change waits for another one, which takes well under a second."""


class Registry:
    """The versions in a folder of models. Objects hold no state: what another process changes is seen at once.

    Args:
        models: the folder, the same as of outside models; made when something is added.
    """

    def __init__(self, models: Path) -> None:
        self._folder = models / FOLDER

    def place(self, name: str) -> Path:
        """Folder of a detector's versions; it may not be there yet.

        Raises:
            LookupError: there is no such detector.
        """
        if name not in DETECTORS.names():
            raise LookupError(f"no detector {name!r} is installed; there is {', '.join(DETECTORS.names()) or 'none'}")
        return self._folder / name

    def add(self, name: str, tensors: Mapping[str, NDArray[Any]], card: ModelCard, lineage: Lineage) -> Version:
        """Keep new weights under the next free number. Nothing is promoted.

        The same weights of the same round of a race are kept once: who resumes may add again.

        Args:
            name: of an installed detector whose weights can be learned anew.
            tensors: name -> array.
            card: its version and hash are filled in.
            lineage: its time is filled in where it has none.

        Raises:
            LookupError: there is no such detector.
            ImportError: it needs a library that is not installed.
            ValueError: the parent is missing, the card is of another detector, or the detector knows one version only.
            OSError: disk full or folder not writable; no version was added.
        """
        self.place(name)
        if not isinstance(DETECTORS.load(name), Relearnable):
            raise ValueError(f"the detector {name} cannot be learned anew: it reads no weights but its own")
        if card.name != name:
            raise ValueError(f"the card is of {card.name!r}, not of {name}")
        base = shipped(name).card.version
        with self._changing(name) as folder:
            there = listed(folder, name)
            if lineage.parent not in (base, *there):
                raise ValueError(
                    f"a missing parent: {name} has no version {lineage.parent!r}; it has {', '.join((base, *there))}"
                )
            # A number that was once promoted is never given away again.
            taken = (*there, *(change.version for change in self.history(name)))
            version = numbered(base, 1 + max((number_of(v) for v in taken if base_of(v) == base), default=0))
            lineage = replace(lineage, made_at=lineage.made_at or _now())
            made = keep(tensors, replace(card, version=version), lineage, folder)
            for earlier in (read_or_blame(folder, name, v) for v in there):
                if _is_same(earlier, made):
                    discard(folder, made.card.stem)
                    return replace(earlier, is_promoted=earlier.version == self._stands(name))
        return made

    def keep(self, trained: Path) -> Version:
        """Keep what `unforged train` wrote as a version of its detector, numbered after what ships.

        Args:
            trained: folder with weights and card of one detector.

        Raises:
            LookupError: it holds no card, or more than one, or one of no detector.
            ImportError, ValueError, OSError: see `add`; or the weights are not those of the card.
        """
        cards = sorted(path.name.removesuffix(CARD) for path in trained.glob(f"*{CARD}"))
        if len(cards) != 1:
            raise LookupError(f"{trained} holds {', '.join(cards) or 'no card'}: one trained detector is wanted")
        tensors, card = load(cards[0], trained)
        self.place(card.name)
        return self.add(card.name, tensors, card, Lineage(shipped(card.name).card.version, "", 0))

    def versions(self, name: str) -> tuple[Version, ...]:
        """What ships first, then what was learned here in the order of the numbers, damaged ones with their `fault`.

        Raises:
            LookupError: there is no such detector.
            ImportError: it needs a library that is not installed.
            ValueError: the history is damaged.
        """
        folder, stands = self.place(name), self._stands(name)
        found = (self._shipped(name), *(read_or_blame(folder, name, version) for version in listed(folder, name)))
        return tuple(replace(version, is_promoted=version.version == stands) for version in found)

    def version(self, name: str, version: str) -> Version:
        """One of them.

        Raises:
            LookupError: there is no such detector or version.
            ImportError, ValueError: see `versions`; or this one is damaged.
        """
        ships, folder = self._shipped(name), self.place(name)
        is_promoted = version == self._stands(name)
        if version == ships.version:
            return replace(ships, is_promoted=is_promoted)
        if version not in listed(folder, name):
            known = ", ".join((ships.version, *listed(folder, name)))
            raise LookupError(f"{name} has no version {version!r}; it has {known}")
        return replace(read(folder, name, version), is_promoted=is_promoted)

    def promoted(self, name: str) -> Version:
        """The version that scans use; what ships where none was promoted. Without promotions nothing is read here.

        Raises:
            LookupError: there is no such detector, or the promoted version is gone.
            ImportError: it needs a library that is not installed.
            ValueError: it is damaged, or not the one that was promoted.
        """
        stack = self._standing(name)
        found = self.version(name, self._stands(name))
        if found.lineage is not None and found.card.sha256 != stack[-1].sha256:
            raise ValueError(f"version {found.version} of {name} was changed after it was promoted")
        return found

    def promote(self, name: str, version: str, *, by: str, reason: str) -> Version:
        """Let scans use a version from now on, also in processes that run already.

        Args:
            name: of a detector.
            version: of it; also the shipped one.
            by: who does it.
            reason: why, in words.

        Raises:
            LookupError: there is no such detector or version.
            ValueError: it stands already, its weights are not those of its card, or nobody or no reason is named.
            OSError: it cannot be written; nothing has changed then.
        """
        self._to_promote(name, version)
        with self._changing(name):
            return self._changed(self._to_promote(name, version), PROMOTED, by, reason)

    def rollback(self, name: str, *, by: str, reason: str) -> Version:
        """Go back to what was promoted before the version that stands.

        Raises:
            LookupError: there is no such detector, or the earlier version is gone.
            ValueError: nothing was promoted, the earlier weights are damaged, or nobody or no reason is named.
            OSError: it cannot be written; nothing has changed then.
        """
        self._to_go_back_to(name)
        with self._changing(name):
            return self._changed(self._to_go_back_to(name), ROLLED_BACK, by, reason)

    def history(self, name: str) -> tuple[Change, ...]:
        """Every promotion and rollback, the oldest first.

        Raises:
            LookupError: there is no such detector.
            ValueError: it is damaged.
        """
        return read_changes(self.place(name))

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Keep other races off a detector for as long as this lasts; a process that dies lets go.

        Raises:
            LookupError: there is no such detector.
            BlockingIOError: another race holds it; the message names its process.
            OSError: the folder cannot be written.
        """
        with held(self.place(name) / "race.lock", f"another race is learning {name}"):
            yield

    @contextmanager
    def _changing(self, name: str) -> Iterator[Path]:
        """One change at a time; a race and people may make some."""
        with held(self.place(name) / "change.lock", f"versions of {name} are being changed", wait_s=WAIT_S):
            yield self.place(name)

    def _to_promote(self, name: str, version: str) -> Version:
        """Asked before anything is locked, too: a mistake leaves no folder behind."""
        if version == self._stands(name):
            raise ValueError(f"version {version} of {name} is promoted already")
        return self.version(name, version)

    def _to_go_back_to(self, name: str) -> Version:
        stack = self._standing(name)
        if not stack:
            raise ValueError(f"nothing to roll back: no version of {name} was promoted")
        return self.version(name, stack[-2].version if len(stack) > 1 else self._shipped(name).version)

    def _changed(self, version: Version, action: str, by: str, reason: str) -> Version:
        if not by.strip() or not reason.strip():
            raise ValueError("a change of versions needs the name of who makes it and a reason")
        if version.lineage is not None:
            check_weights(version, self.place(version.name))
        before, sha256 = self._stands(version.name), version.card.sha256
        change = Change(action, version.version, before, sha256, _now(), by.strip(), reason.strip())
        append_change(change, self.place(version.name))
        return replace(version, is_promoted=True)

    def _shipped(self, name: str) -> Version:
        card = shipped(name).card
        return Version(name, card.version, card)

    def _standing(self, name: str) -> tuple[Change, ...]:
        changes = self.history(name)
        return standing(changes, shipped(name).card.version) if changes else ()

    def _stands(self, name: str) -> str:
        stack = self._standing(name)
        return stack[-1].version if stack else shipped(name).card.version


def _is_same(earlier: Version, made: Version) -> bool:
    """Whether two versions have the weights of one round."""
    if earlier.lineage is None or made.lineage is None:
        return False
    one, other = earlier.lineage, made.lineage
    return (one.race, one.round, earlier.card.sha256) == (other.race, other.round, made.card.sha256)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
