"""unforged serve: examines what is sent to it over HTTP. And unforged serve-keys: who may send."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.engine_options import device_option
from forensics.cli.option_types import NEW_FILE, NEW_FOLDER, Measure
from forensics.cli.options import (
    NumberOfBytes,
    data_folder,
    examination_options,
    language_option,
    limits_options,
    names_option,
)
from forensics.cli.store_options import actor_name, actor_option, needed_store, store_option
from forensics.cli.terminal import is_terminal, line, table

if TYPE_CHECKING:
    from forensics.api.configuration import Configuration
    from forensics.api.intake import Allowed
    from forensics.api.keys import Key
    from forensics.store import Store

MISSING = "the HTTP service needs its extra: pip install 'unforged[api]'"

LOCAL = ("127.0.0.1", "::1", "localhost")

PER_MINUTE = click.IntRange(min=1)


@click.command(context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1", help="Address to listen on; any but this computer's own needs --keys.")
@click.option("--port", type=click.IntRange(0, 65535), default=8600, help="Port to listen on; 0: any that is free.")
@click.option("--keys", "key_file", type=NEW_FILE, help="File of `unforged serve-keys`.  [default: no key is needed]")
@click.option(
    "--allow", multiple=True, metavar="[TENANT=]DIR", help="Folder whose files may be named; may be repeated."
)
@click.option("--folder", type=NEW_FOLDER, help="Where uploads wait.  [default: the user's data folder]")
@store_option
@click.option("--keep-hours", type=Measure(min=0, min_open=True), default=168.0, help="How long results are kept.")
@click.option("--max-body", type=NumberOfBytes(), default="256M", help="Largest request.")
@click.option("--max-files", type=click.IntRange(min=1), default=1000, help="Most files in one batch.")
@click.option("--max-waiting", type=click.IntRange(min=1), default=10_000, help="Most files of a tenant that may wait.")
@click.option("--requests-per-minute", type=PER_MINUTE, default=600, help="Of each key that has no limit of its own.")
@click.option(
    "--bytes-per-minute", type=NumberOfBytes(), default="1G", help="Of each key that has no limit of its own."
)
@click.option("--stop-seconds", type=Measure(min=0), default=10.0, help="Wait so long for what is under way.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Files examined at a time.  [default: 2, memory allowing]")
@device_option
@examination_options
@language_option
@limits_options
def serve(host: str, port: int, store: str | None, **given: Any) -> int:
    """Examine what is sent over HTTP, until a signal ends it. The address /openapi.json describes the service.

    It listens to this computer only. Before it listens to others, make keys with `unforged serve-keys add`. Nothing is
    ever fetched, and nothing is sent anywhere. What was accepted and is not examined when it ends goes on at the next
    start.
    """
    if any(find_spec(name) is None for name in ("fastapi", "uvicorn", "python_multipart")):
        raise ImportError(MISSING)
    if host not in LOCAL and given["key_file"] is None:
        raise click.UsageError(f"--host {host} lets other computers in: --keys FILE says which may")
    from forensics.api.serving import run

    with needed_store(store) as opened:
        return run(configuration(host, given), opened, host, port)


def configuration(host: str, given: dict[str, Any]) -> Configuration:
    """What the options ask for.

    Raises:
        click.UsageError: an option is none.
    """
    from forensics.api.configuration import LOCAL as HERE
    from forensics.api.configuration import Configuration
    from forensics.cli.scan import scan_settings
    from forensics.towers import towers_on
    from forensics.usual_workers import usual_workers

    settings = scan_settings({**given, "fusion": None})
    return Configuration(
        folder=given["folder"] or data_folder() / "serve",
        settings=settings,
        key_file=given["key_file"],
        hosts=(*HERE, host),
        allowed=tuple(_allowed(text) for text in given["allow"]),
        n_lanes=given["jobs"] or min(2, usual_workers(settings)),
        towers=towers_on(given["devices"]),
        language_code=given["language_code"],
        max_body_bytes=given["max_body"],
        max_files=given["max_files"],
        max_waiting=given["max_waiting"],
        requests_per_min=given["requests_per_minute"],
        bytes_per_min=given["bytes_per_minute"],
        keep_s=given["keep_hours"] * 3600.0,
        stop_s=given["stop_seconds"],
    )


def _allowed(text: str) -> Allowed:
    from forensics.api.intake import Allowed

    tenant, is_parted, rest = text.partition("=")
    named = Path(rest if is_parted and not Path(text).is_dir() else text)
    if not named.is_dir():
        raise click.BadParameter(f"there is no folder {str(named)!r}", param_hint="--allow")
    return Allowed(named.resolve(), tenant if str(named) != text else None)


@click.group("serve-keys")
def serve_keys() -> None:
    """Make, list and remove API keys of `unforged serve`. The file holds hashes only; running servers follow it."""


keys_option = click.option("--keys", "key_file", type=NEW_FILE, required=True, help="File to read or change.")


@serve_keys.command("add", context_settings={"show_default": True})
@click.argument("name")
@keys_option
@click.option("--tenant", required=True, help="Whose files it sees: those of this name, and nobody else's.")
@click.option(
    "--scopes",
    callback=names_option,
    default="scan,read",
    metavar="LIST",
    help="scan: submit files; read: ask for them; admin: figures of the server.",
)
@click.option("--requests-per-minute", type=PER_MINUTE, help="A limit of its own.  [default: the server's]")
@click.option("--bytes-per-minute", type=NumberOfBytes(), help="A limit of its own.  [default: the server's]")
@actor_option
@store_option
def add_key(name: str, key_file: Path, actor: str | None, store: str | None, **given: Any) -> int:
    """Make a key and print it, this once. A key that had the name is good no more."""
    from forensics.api.keys import Key, new_secret, write
    from forensics.store.submission_words import ApiAct

    limits = (given["requests_per_minute"], given["bytes_per_minute"])
    Key(name, given["tenant"], given["scopes"], "", *limits)
    shown, secret = new_secret(name)
    key = Key(name, given["tenant"], given["scopes"], secret, *limits)
    who = actor_name(actor)
    with needed_store(store) as opened:
        write(key_file, [*(one for one in _keys(key_file) if one.name != name), key])
        _audit(opened, who, ApiAct.ADD_KEY, key)
    click.echo(shown)
    return 0


@serve_keys.command("remove")
@click.argument("name")
@keys_option
@actor_option
@store_option
def remove_key(name: str, key_file: Path, actor: str | None, store: str | None) -> int:
    """Let a key in no longer, from its next request on."""
    from forensics.api.keys import write
    from forensics.store.submission_words import ApiAct

    found = [one for one in _keys(key_file) if one.name == name]
    if not found:
        raise LookupError(f"{key_file} holds no {name!r}")
    who = actor_name(actor)
    with needed_store(store) as opened:
        write(key_file, [one for one in _keys(key_file) if one.name != name])
        _audit(opened, who, ApiAct.REMOVE_KEY, found[0])
    return 0


@serve_keys.command("list")
@keys_option
def list_keys(key_file: Path) -> int:
    """List keys: name, tenant, scopes, and limits of their own."""
    from forensics.api.keys import read

    rows = [
        (k.name, k.tenant, ",".join(k.scopes), k.requests_per_min or "", k.bytes_per_min or "") for k in read(key_file)
    ]
    if is_terminal():
        table(("name", "tenant", "scopes", "requests a minute", "bytes a minute"), rows)
    else:
        for row in rows:
            line(*row)
    return 0


def _keys(key_file: Path) -> tuple[Key, ...]:
    from forensics.api.keys import read

    return read(key_file) if key_file.exists() else ()


def _audit(store: Store, actor: str, act: str, key: Key) -> None:
    from forensics.store import AuditLog

    told = {"tenant": key.tenant, "scopes": ",".join(key.scopes)}
    AuditLog(store).append(actor, act, f"key {key.name}", told)
