"""The file of `unforged dashboard --secrets`: what Streamlit needs to sign people in at an identity provider (OIDC)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import click

from forensics.role_claim import RoleClaim

KEYS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")

ROLES = "roles"
"""Section that says which role the provider's claims give."""

CALLBACK = "/oauth2callback"
"""Where Streamlit waits for the provider's answer."""

MIN_SECRET = 32
"""Characters of the secret that signs cookies: who guesses it is whoever they like."""


def check_secrets(path: Path) -> bool:
    """See that everything is there before anything starts; without it the failure comes when somebody signs in.

    Returns:
        Whether it says which role the provider's claims give.

    Raises:
        click.UsageError: it is no TOML, or something is missing or unsafe.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.UsageError(f"{path} is no TOML: {error}") from error
    auth = found.get("auth")
    given = auth if isinstance(auth, dict) else {}
    lacking = [key for key in KEYS if not (isinstance(given.get(key), str) and given[key])]
    if lacking:
        raise click.UsageError(f"the section [auth] of {path} lacks {', '.join(lacking)}")
    if not given["redirect_uri"].endswith(CALLBACK):
        raise click.UsageError(f"redirect_uri in {path} is the address of the dashboard with {CALLBACK} at its end")
    if len(given["cookie_secret"]) < MIN_SECRET:
        raise click.UsageError(f"cookie_secret in {path} needs {MIN_SECRET} random characters at least")
    if ROLES not in found:
        return False
    try:
        RoleClaim.from_section(found[ROLES])
    except ValueError as error:
        raise click.UsageError(f"{path}: {error}") from error
    return True
