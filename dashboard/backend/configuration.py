"""What an admin may change at run time: limits, thresholds, trust list, language of reports, retention, in one file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from dashboard.backend.options import Options
from dashboard.roles import Role, User, require
from forensics.analyzers.manifest import shipped_trust_list, trust_anchors
from forensics.languages import ENGLISH, codes, language
from forensics.settings import Limits, ScanSettings
from generators.whole_files import write_whole

__all__ = ["Configuration", "Limits", "ScanSettings", "languages", "load", "n_anchors", "save", "save_trust_list"]

FILE = "settings.json"
TRUST_FOLDER = "trust"

MAX_TRUST_BYTES = 4 << 20
"""Public lists of trust anchors hold some dozen certificates of 2 kB each."""

MAX_KEEP_HOURS = 24.0 * 365


@dataclass(frozen=True)
class Configuration:
    """The settings that are in force.

    Attributes:
        scan: of every scan that begins from now on.
        keep_hours: how long the pictures of an examined upload are kept.
        language_code: of the HTML and PDF reports that are downloaded.
        silent: outside models that speak only where somebody asks for them.
    """

    scan: ScanSettings = field(default_factory=ScanSettings)
    keep_hours: float = 24.0
    language_code: str = ENGLISH
    silent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 < self.keep_hours <= MAX_KEEP_HOURS:
            raise ValueError(f"hours kept must lie above 0 and at most at {MAX_KEEP_HOURS:.0f}, not {self.keep_hours}")
        if self.language_code not in codes():
            raise ValueError(f"there is no language {self.language_code!r} for reports; there is {', '.join(codes())}")


def languages() -> dict[str, str]:
    """Languages that reports can be written in: code -> its name for itself."""
    return {code: language(code).name for code in codes()}


def load(options: Options) -> Configuration:
    """Read it; the defaults, with what the dashboard was started with, where nothing was saved.

    The folder of models is always the one that it was started with.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        plain = json.loads((options.folder / FILE).read_text(encoding="utf-8"))
        scan = ScanSettings.from_dict(plain["scan"])
        return Configuration(
            replace(scan, models=options.models_in_use),
            float(plain["keep_hours"]),
            # Settings that were saved before there was a choice say nothing of these.
            plain.get("language", ENGLISH),
            tuple(map(str, plain.get("silent", ()))),
        )
    except FileNotFoundError:
        limits = Limits(max_bytes=options.upload_mb << 20)
        return Configuration(ScanSettings(limits=limits, models=options.models_in_use), options.keep_hours)
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the saved settings in {options.folder / FILE} cannot be read: {error}") from None


def save(options: Options, configuration: Configuration, *, user: User) -> None:
    """Write it; scans that begin afterwards follow it.

    Raises:
        NotAllowedError: the user is no admin.
        OSError: the folder cannot be written.
    """
    require(user, Role.ADMIN)
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    plain = {"scan": configuration.scan.to_dict(), "keep_hours": configuration.keep_hours}
    plain |= {"language": configuration.language_code, "silent": list(configuration.silent)}
    write_whole(options.folder / FILE, json.dumps(plain, indent=1).encode() + b"\n")


def n_anchors(configuration: Configuration) -> int:
    """Certificates in the trust list in force; 0 where it cannot be read."""
    try:
        return len(trust_anchors(configuration.scan.trust_list or shipped_trust_list()))
    except ValueError:
        return 0


def save_trust_list(options: Options, pem: bytes, *, user: User) -> Path:
    """Keep a list of trust anchors for signatures; it counts once it stands in the configuration.

    Returns:
        Where it lies.

    Raises:
        NotAllowedError: the user is no admin.
        ValueError: it holds no certificate.
        OSError: the folder cannot be written.
    """
    require(user, Role.ADMIN)
    if len(pem) > MAX_TRUST_BYTES:
        raise ValueError(f"a trust list of more than {MAX_TRUST_BYTES >> 20} MiB is not read")
    folder = options.folder / TRUST_FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Named by content: reports store the path, and another list must not look like the one before.
    path = folder / f"{hashlib.sha256(pem).hexdigest()[:16]}.pem"
    write_whole(path, pem)
    try:
        if not trust_anchors(path):
            raise ValueError("this file holds no PEM certificate")
    except ValueError:
        path.unlink()
        raise
    return path
