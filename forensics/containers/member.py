"""What an unpacking worker tells of each file inside a container."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.containers.account import Account

INTO = "!/"
"""Between the name of a container and the name of a file in it."""


@dataclass(frozen=True)
class Member:
    """One file inside a container, told as soon as it lies in its scratch file.

    Attributes:
        name: its way from the outermost container, as `inner.zip!/picture.jpg`; hostile text.
        number: of its scratch file; 0 when there is none to examine.
        size_bytes: of the scratch file.
        sha256: of the member where it is known; "" else.
        code, message: of the MediaError why it is not examined, or not wholly; "" when there was none.
        account: of a container, which is opened by now; None for other files.
    """

    name: str
    number: int = 0
    size_bytes: int = 0
    sha256: str = ""
    code: str = ""
    message: str = ""
    account: Account | None = None
