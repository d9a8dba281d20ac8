"""The role that a provider's claims give: the largest that is named, and none where nothing is."""

from __future__ import annotations

import pytest

from forensics.role_claim import RoleClaim

SECTION = {"claim": "groups", "admin": "chiefs", "moderator": ["desk", "night desk"], "viewer": ["staff"]}


@pytest.mark.parametrize(
    ("told", "role"),
    [
        (["staff", "desk"], "moderator"),
        (["staff", "chiefs", "desk"], "admin"),
        ("night desk", "moderator"),
        (("staff",), "viewer"),
        ("chiefs desk", None),
        (["Chiefs"], None),
        (["admin"], None),
        ([{"name": "chiefs"}, 7, None, ""], None),
        ({"chiefs": True}, None),
        (True, None),
        ("", None),
    ],
)
def test_only_values_that_are_named_give_a_role_and_the_largest_counts(told: object, role: str | None) -> None:
    assert RoleClaim.from_section(SECTION).role({"groups": told, "roles": ["chiefs"]}) == role


def test_a_missing_claim_gives_no_role() -> None:
    assert RoleClaim.from_section(SECTION).role({}) is None


@pytest.mark.parametrize(
    "claims",
    [{"realm_access": {"roles": ["chiefs"]}}, {"realm_access.roles": ["chiefs"]}],
)
def test_dots_lead_into_a_claim_unless_it_is_named_so(claims: dict[str, object]) -> None:
    claim = RoleClaim.from_section(SECTION | {"claim": "realm_access.roles"})
    assert claim.role(claims) == "admin"
    assert claim.role({"realm_access": ["chiefs"]}) is None and claim.role({"realm_access": {"rôles": 1}}) is None


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("groups", "claim"),
        ({"admin": ["chiefs"]}, "claim"),
        ({"claim": "", "admin": ["chiefs"]}, "claim"),
        ({"claim": "groups"}, "values for a role"),
        ({"claim": "groups", "admin": [], "viewer": ""}, "values for a role"),
        ({"claim": "groups", "admins": ["chiefs"]}, "knows no admins"),
    ],
)
def test_a_section_that_would_give_nobody_what_was_meant_is_refused(section: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RoleClaim.from_section(section)
