"""What `unforged dashboard` was started with. It reaches the app in variables of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forensics.store import default_url

PREFIX = "UNFORGED_DASHBOARD_"

DEFAULT_KEEP_HOURS = 24.0
DEFAULT_UPLOAD_MB = 200


@dataclass(frozen=True)
class Options:
    """How this dashboard was started.

    Attributes:
        database: SQLAlchemy URL of the store.
        folder: where uploads wait for their scan and results are kept; made when it is first needed.
        password_file: who may sign in; None where nobody has to, or only at the identity provider.
        has_provider: whether people may sign in at an identity provider, which the secrets file names.
        keep_hours: how long an upload and the pictures made of it are kept.
        upload_mb: largest upload, in MiB; Streamlit refuses what is larger.
        n_lanes: files examined at a time; None for what processors and memory allow.
        devices: that run the network which detectors share; without any, each worker does.
        models: outside models, versions of detectors that were learned here, and races; it need not be there yet.
            None knows none.
    """

    database: str
    folder: Path
    password_file: Path | None = None
    has_provider: bool = False
    keep_hours: float = DEFAULT_KEEP_HOURS
    upload_mb: int = DEFAULT_UPLOAD_MB
    n_lanes: int | None = None
    devices: tuple[str, ...] = ()
    models: Path | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody has to sign in."""
        return self.password_file is None and not self.has_provider

    @property
    def models_in_use(self) -> Path | None:
        """The folder of models, once there is a model or a version in it; None before."""
        from detectors.outside.model_folder import names
        from detectors.registry import FOLDER

        folder = self.models
        return folder if folder is not None and (names(folder) or (folder / FOLDER).is_dir()) else None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Options:
        """Read them; what is not given has its default.

        Raises:
            ValueError: a number is none.
        """
        given = os.environ if environment is None else environment
        base = Path(given.get("XDG_DATA_HOME") or Path.home() / ".local" / "share").absolute() / "unforged"
        lanes = given.get(f"{PREFIX}LANES")
        password_file = given.get(f"{PREFIX}PASSWORD_FILE")
        models = given.get(f"{PREFIX}MODELS") or str(base / "models")
        return cls(
            database=given.get(f"{PREFIX}DATABASE") or default_url(),
            folder=Path(given.get(f"{PREFIX}FOLDER") or base / "dashboard"),
            password_file=Path(password_file) if password_file else None,
            has_provider=bool(given.get(f"{PREFIX}PROVIDER")),
            keep_hours=float(given.get(f"{PREFIX}KEEP_HOURS") or DEFAULT_KEEP_HOURS),
            upload_mb=int(given.get(f"{PREFIX}UPLOAD_MB") or DEFAULT_UPLOAD_MB),
            n_lanes=int(lanes) if lanes else None,
            devices=tuple(filter(None, given.get(f"{PREFIX}DEVICES", "").split(","))),
            models=None if models == "none" else Path(models),
        )
