"""Runs the dashboard without a browser, one page at a time, with a store and a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from dashboard.backend.configuration import FILE
from dashboard.backend.offers import Offer, all_offers
from forensics.settings import ScanSettings
from tests.upkeep.documents import ROOT

ANALYZERS = ("metadata", "ela", "noise")

APP = ROOT / "dashboard" / "app.py"


def prepare(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the dashboard keep everything below a folder of the test, and examine with what loads fast."""
    monkeypatch.setenv("UNFORGED_DASHBOARD_DATABASE", f"sqlite:///{folder / 'scans.db'}")
    monkeypatch.setenv("UNFORGED_DASHBOARD_FOLDER", str(folder / "dashboard"))
    monkeypatch.setenv("UNFORGED_DASHBOARD_LANES", "1")
    monkeypatch.setenv("UNFORGED_DASHBOARD_MODELS", str(folder / "models"))
    (folder / "dashboard").mkdir(exist_ok=True)
    scan = ScanSettings(analyzers=ANALYZERS).to_dict()
    (folder / "dashboard" / FILE).write_text(json.dumps({"scan": scan, "keep_hours": 24.0}), encoding="utf-8")
    monkeypatch.delenv("UNFORGED_DASHBOARD_PASSWORD_FILE", raising=False)


def open_page(path: str, *, timeout_s: float = 20.0, **query: str) -> AppTest:
    """The page at that address, drawn once."""
    app = AppTest.from_file(str(APP), default_timeout=timeout_s)
    for name, value in query.items():
        app.query_params[name] = value
    app._page_hash = calc_hash(path)
    return app.run()


def listed(app: AppTest) -> list[dict[str, str]]:
    """Rows of the table with pictures, as the browser is told: title of a column -> text."""
    told = [json.loads(element.proto.json) for element in app.get("bidi_component") if "columns" in element.proto.json]
    titles = [[column["title"] for column in table["columns"]] for table in told]
    return [
        dict(zip(names, row["cells"], strict=True))
        for names, table in zip(titles, told, strict=True)
        for row in table["rows"]
    ]


def offered(app: AppTest) -> dict[str, Offer]:
    """Label of a button that takes a file away -> what it stands for, as the browser is told."""
    told = [json.loads(element.proto.json) for element in app.get("bidi_component") if "files" in element.proto.json]
    found = {file["label"]: all_offers().find(file["secret"]) for row in told for file in row["files"]}
    return {label: offer for label, offer in found.items() if offer is not None}
