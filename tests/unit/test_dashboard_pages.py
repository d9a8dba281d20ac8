"""The dashboard's pages: each opens on an empty store, and the smaller roles see no more than they may."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dashboard.pages import PAGES, Page, pages_for
from dashboard.roles import Role, User
from tests.make_dashboard import open_page, prepare
from tests.upkeep.documents import ROOT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_every_page_opens_on_an_empty_store(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(monkeypatch, tmp_path)
    app = open_page(page.path)
    assert not app.exception
    assert [title.value for title in app.title] == [page.title]


def test_addresses_and_views_are_unique() -> None:
    assert len({page.path for page in PAGES}) == len({page.view for page in PAGES}) == len(PAGES) == 7


def test_a_larger_role_opens_all_that_a_smaller_one_does() -> None:
    opened = [set(pages_for(User("someone", role))) for role in sorted(Role)]
    assert opened[0] <= opened[1] <= opened[2] == set(PAGES)


def test_only_the_drawing_half_knows_streamlit() -> None:
    for path in [*(ROOT / "dashboard" / "backend").rglob("*.py"), ROOT / "dashboard" / "roles.py"]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not [name for name in names if name.partition(".")[0] == "streamlit"], path
