"""Which role somebody has by what an identity provider claims of them: the section [roles] of the secrets file.

A claim of the ID token (OpenID Connect Core 1.0, 2) holds roles or groups; the file says which of them stand for which
role of the dashboard. What it does not name gives no role at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from forensics.password_file import ROLES

CLAIM = "claim"


@dataclass(frozen=True)
class RoleClaim:
    """Where to look, and what counts.

    Attributes:
        claim: name of the claim; dots lead into it where there is none of that name, as in "realm_access.roles".
        values: role -> values of the claim that give it.
    """

    claim: str
    values: Mapping[str, tuple[str, ...]]

    @classmethod
    def from_section(cls, section: object) -> Self:
        """Read the section as TOML gives it.

        Raises:
            ValueError: it names no claim, no value, or what is no role.
        """
        if not isinstance(section, Mapping) or not (isinstance(section.get(CLAIM), str) and section[CLAIM]):
            raise ValueError('[roles] needs claim = "..."')
        unknown = [str(name) for name in section if name not in (CLAIM, *ROLES)]
        if unknown:
            raise ValueError(f"[roles] knows no {', '.join(unknown)}; there is {', '.join((CLAIM, *ROLES))}")
        values = {role: _texts(section[role]) for role in ROLES if role in section}
        if not any(values.values()):
            raise ValueError('[roles] needs values for a role at least, such as admin = ["unforged-admins"]')
        return cls(section[CLAIM], values)

    def role(self, claims: Mapping[str, object]) -> str | None:
        """The largest role that somebody's claims give; None for none.

        Args:
            claims: of the ID token, which the provider has signed.
        """
        told = _texts(_found(claims, self.claim))
        given = [role for role in ROLES if set(told) & set(self.values.get(role, ()))]
        return given[-1] if given else None


def _found(claims: Mapping[str, object], name: str) -> object:
    if name in claims:
        return claims[name]
    first, _, rest = name.partition(".")
    inner = claims.get(first)
    return _found(inner, rest) if rest and isinstance(inner, Mapping) else None


def _texts(value: object) -> tuple[str, ...]:
    """A text, or all texts of a list; anything else is none. Case counts, as it does at the provider."""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(one for one in value if isinstance(one, str) and one) if isinstance(value, list | tuple) else ()
