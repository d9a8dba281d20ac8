"""unforged dashboard: starts the web page in the browser's language, on this computer only unless told otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

MISSING = "the dashboard needs its extra: pip install 'unforged[dashboard]'"

LOCAL = ("127.0.0.1", "::1", "localhost")

THEME = (
    "--theme.light.primaryColor=#1f5fa8",
    "--theme.dark.primaryColor=#6aa9e9",
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


@click.group(invoke_without_command=True, context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1", help="Address to listen on; other computers can reach 0.0.0.0.")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, help="Port to listen on.")
@click.option("--database", metavar="URL|FILE", help="Where scans are kept.  [default: the user's data folder]")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where uploads and results wait.  [default: the user's data folder]",
)
@click.option(
    "--password-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Who may sign in (`unforged dashboard add-user`).  [default: nobody has to]",
)
@click.option("--keep-hours", type=click.FloatRange(min=0.1), default=24.0, help="How long uploads are kept.")
@click.option("--max-upload", type=click.IntRange(1, 2048), default=200, metavar="MIB", help="Largest upload.")
@click.pass_context
def dashboard(ctx: click.Context, **given: Any) -> int:
    """Open the dashboard in a browser: scan, decide, look up."""
    if ctx.invoked_subcommand is not None:
        return 0
    return subprocess.run(command(given), env=os.environ | environment(given), check=False).returncode


def command(given: dict[str, Any]) -> list[str]:
    """The command line that starts the server.

    Raises:
        ImportError: the extra is not installed.
    """
    app = find_spec("dashboard.app") if find_spec("streamlit") and find_spec("dashboard") else None
    if app is None or app.origin is None:
        raise ImportError(MISSING)
    return [
        *(sys.executable, "-m", "streamlit", "run", app.origin),
        *(f"--server.address={given['host']}", f"--server.port={given['port']}", "--server.headless=true"),
        f"--server.maxUploadSize={given['max_upload']}",
        *QUIET,
        *THEME,
    ]


def environment(given: dict[str, Any]) -> dict[str, str]:
    """Variables that tell the app how it was started."""
    database: str | None = given["database"]
    if database is not None and "://" not in database:
        database = f"sqlite:///{Path(database).absolute()}"
    values = {
        "DATABASE": database,
        "FOLDER": given["folder"] and given["folder"].absolute(),
        "PASSWORD_FILE": given["password_file"] and given["password_file"].absolute(),
        "KEEP_HOURS": given["keep_hours"],
        "UPLOAD_MB": given["max_upload"],
    }
    return {f"UNFORGED_DASHBOARD_{name}": str(value) for name, value in values.items() if value is not None}
