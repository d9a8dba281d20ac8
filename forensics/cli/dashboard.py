"""unforged dashboard: starts the web pages, for this computer only unless told otherwise, and keeps who may sign in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from forensics.cli.engine_options import device_option
from forensics.cli.options import MODELS_VARIABLE
from forensics.cli.terminal import is_terminal, line, table
from generators.extras import needs

MISSING = "the dashboard needs its extra: pip install 'unforged[dashboard]'"

NO_OIDC = "signing in at an identity provider needs its extra: pip install 'unforged[oidc]'"

LOCAL = ("127.0.0.1", "::1", "localhost")

THEME = (
    "--theme.light.primaryColor=#1f5fa8",
    "--theme.dark.primaryColor=#3a86d8",
    "--theme.baseRadius=small",
)

QUIET = (
    "--browser.gatherUsageStats=false",
    "--server.fileWatcherType=none",
    "--server.enableStaticServing=false",
    "--client.showErrorDetails=none",
    "--client.toolbarMode=minimal",
)
"""Nothing is sent anywhere, nothing is watched, and no stack trace reaches a browser."""

PASSWORD_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True, context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1", help="Address to listen on; other computers can reach 0.0.0.0.")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, help="Port to listen on.")
@click.option("--database", metavar="URL|FILE", help="Where scans are kept.  [default: the user's data folder]")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where uploads and pictures of them wait.  [default: the user's data folder]",
)
@click.option("--password-file", type=PASSWORD_FILE, help="Who may sign in.  [default: nobody has to]")
@click.option(
    "--secrets",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with Streamlit's [auth] section, to sign in at an identity provider (OIDC).",
)
@click.option("--without-login", is_flag=True, help="Let every computer that reaches --host do everything.")
@click.option(
    "--keep-hours", type=click.FloatRange(min=0.1), default=24.0, help="How long pictures of uploads are kept."
)
@click.option("--max-upload", type=click.IntRange(1, 2048), default=200, metavar="MIB", help="Largest upload.")
@click.option(
    "--models",
    metavar="DIR|none",
    envvar=MODELS_VARIABLE,
    help=f"Outside models, versions learned here, and races.  [default: the user's own, or ${MODELS_VARIABLE}]",
)
@click.option("--jobs", type=click.IntRange(1, 16), help="Files examined at a time.  [default: 2, memory allowing]")
@device_option
@click.pass_context
def dashboard(ctx: click.Context, /, **given: Any) -> int:
    """Scan, decide and look up in a browser. It prints its address; Ctrl-C ends it.

    It listens to this computer only, and nobody has to sign in. Before it listens to others, name people with
    `unforged dashboard add-user`. Nothing is sent anywhere.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    words, variables = command(given), os.environ | environment(given)
    sys.stdout.flush()
    if os.name == "posix":
        # The server takes the place of this process, so that a signal meant for it reaches it.
        os.execve(words[0], words, variables)
    return subprocess.run(words, env=variables, check=False).returncode


def command(given: dict[str, Any]) -> list[str]:
    """The command line that starts the server.

    Raises:
        ImportError: an extra is not installed.
        ValueError: there is no such device.
        click.UsageError: other computers would get in without a login; or the password file is missing or damaged.
    """
    app = find_spec("dashboard.asgi") if find_spec("streamlit") and find_spec("dashboard") else None
    if app is None or app.origin is None:
        raise ImportError(MISSING)
    _check_login(given)
    _check_devices(given["devices"])
    return [
        *(sys.executable, "-m", "streamlit", "run", app.origin),
        *(f"--server.address={given['host']}", f"--server.port={given['port']}", "--server.headless=true"),
        f"--server.maxUploadSize={given['max_upload']}",
        *([f"--secrets.files={given['secrets'].absolute()}"] if given["secrets"] else []),
        *QUIET,
        *THEME,
    ]


def environment(given: dict[str, Any]) -> dict[str, str]:
    """Variables that tell the app how it was started."""
    database: str | None = given["database"]
    if database is not None and "://" not in database:
        database = f"sqlite:///{Path(database).absolute()}"
    models: str | None = given["models"]
    values = {
        "DATABASE": database,
        "FOLDER": given["folder"] and given["folder"].absolute(),
        "PASSWORD_FILE": given["password_file"] and given["password_file"].absolute(),
        "PROVIDER": 1 if given["secrets"] is not None else None,
        "KEEP_HOURS": given["keep_hours"],
        "UPLOAD_MB": given["max_upload"],
        "LANES": given["jobs"],
        "DEVICES": ",".join(given["devices"]) or None,
        "MODELS": models if models in (None, "none") else Path(models).absolute(),
    }
    return {f"UNFORGED_DASHBOARD_{name}": str(value) for name, value in values.items() if value is not None}


def _check_devices(names: Sequence[str]) -> None:
    if names:
        with needs("learned"):
            from detectors.device_tower import found_device
        for name in names:
            found_device(name)


def _check_login(given: dict[str, Any]) -> None:
    gives_roles = False
    if given["secrets"] is not None:
        from forensics.cli.dashboard_secrets import check_secrets

        if not (find_spec("authlib") and find_spec("httpx")):
            raise ImportError(NO_OIDC)
        gives_roles = check_secrets(given["secrets"])
    if given["password_file"] is not None:
        from forensics.password_file import read

        if not given["password_file"].is_file():
            raise click.UsageError(f"there is no {given['password_file']}; `unforged dashboard add-user` makes one")
        read(given["password_file"])
    elif given["secrets"] is not None and not gives_roles:
        raise click.UsageError(
            "--secrets says who people are; a section [roles] in it, or --password-file, must say which role each has"
        )
    elif given["secrets"] is None and given["host"] not in LOCAL and not given["without_login"]:
        raise click.UsageError(
            f"--host {given['host']} lets other computers in: give --password-file, or --without-login to let them all"
        )


@dashboard.command("add-user")
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "moderator", "admin"]), default="viewer", help="What they may do.")
@click.option("--password-file", type=PASSWORD_FILE, required=True, help="File to write; made if it is missing.")
@click.option("--oidc", is_flag=True, help="No password: NAME is the address that the identity provider vouches for.")
def add_user(name: str, role: str, password_file: Path, oidc: bool) -> int:
    """Add somebody, or change their role and password. The password is asked for, or read from standard input."""
    from forensics.password_file import OIDC, Entry, hashed, read, write

    entries = read(password_file) if password_file.exists() else ()
    Entry(name, role, OIDC)
    entry = Entry(name, role, OIDC if oidc else hashed(_password()))
    write(password_file, [*(other for other in entries if other.name != name), entry])
    click.echo(f"{name} may sign in as {role}")
    return 0


@dashboard.command("remove-user")
@click.argument("name")
@click.option("--password-file", type=PASSWORD_FILE, required=True, help="File to change.")
def remove_user(name: str, password_file: Path) -> int:
    """Let somebody in no longer; it counts at their next click."""
    from forensics.password_file import read, write

    entries = read(password_file)
    left = [entry for entry in entries if entry.name != name]
    if len(left) == len(entries):
        raise LookupError(f"{password_file} holds no {name!r}")
    write(password_file, left)
    return 0


@dashboard.command("users")
@click.option("--password-file", type=PASSWORD_FILE, required=True, help="File to read.")
def users(password_file: Path) -> int:
    """List who may sign in: name, role, with a password or at an identity provider."""
    from forensics.password_file import OIDC, read

    rows = [(e.name, e.role, "identity provider" if e.secret == OIDC else "password") for e in read(password_file)]
    if is_terminal():
        table(("name", "role", "signs in with"), rows)
    else:
        for row in rows:
            line(*row)
    return 0


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
