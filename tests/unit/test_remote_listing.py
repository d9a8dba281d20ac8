"""What an address shows of itself to people who did not type it."""

from __future__ import annotations

import pytest

from forensics.inputs import expand


@pytest.mark.parametrize("password", ["pw", "p@w", "p:w", ""])
def test_no_password_is_shown_where_fetching_was_not_allowed_either(password: str) -> None:
    with pytest.raises(ValueError, match=r"^'?http://example\.org/a\.jpg'? lies elsewhere"):
        list(expand([f"http://u:{password}@example.org/a.jpg"]))
