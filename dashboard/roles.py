"""Who may do what: three roles, each of which may do all that the one below it may. No Streamlit here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What somebody may do, the least first."""

    VIEWER = 1
    MODERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """The role as it is written in password files and shown."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Role:
        """The role of that name.

        Raises:
            ValueError: there is none.
        """
        for role in cls:
            if role.word == word.strip().lower():
                return role
        raise ValueError(f"there is no role {word!r}; there is {', '.join(role.word for role in cls)}")


@dataclass(frozen=True)
class User:
    """Somebody who is signed in.

    Attributes:
        name: as it stands in the audit log.
        role: what they may do.
    """

    name: str
    role: Role


LOCAL_USER = User("local", Role.ADMIN)
"""Whoever sits at the computer where nobody has to sign in: they could change every file anyway."""


class NotAllowedError(PermissionError):
    """A role is too small for what was asked; the message says which one is needed."""


def require(user: User, least: Role) -> None:
    """Refuse what a role does not include. Every backend call that changes something begins with this.

    Raises:
        NotAllowedError: the user's role is below `least`.
    """
    if user.role < least:
        raise NotAllowedError(f"this needs the role {least.word}; {user.name} is signed in as {user.role.word}")
