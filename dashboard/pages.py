"""The pages of the dashboard: what each is called, where it is reached, and who may open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from dashboard.roles import Role, User


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        title: in the navigation, the heading and the browser's tab.
        icon: a Material symbol that comes with Streamlit, as `:material/name:`.
        path: last part of its address; the first page also opens without one.
        view: module below `dashboard.views` with a function `render`.
        least: smallest role that may open it.
        group: heading in the navigation.
    """

    title: str
    icon: str
    path: str
    view: str
    least: Role
    group: str

    def render(self) -> None:
        """Draw it; the view is imported only now."""
        render: Callable[[], None] = import_module(f"dashboard.views.{self.view}").render
        render()


PAGES = (
    Page("Scan", ":material/frame_inspect:", "scan", "scan", Role.VIEWER, "Moderate"),
    Page("Queue", ":material/inbox:", "queue", "queue", Role.VIEWER, "Moderate"),
    Page("Archive", ":material/inventory_2:", "archive", "archive", Role.VIEWER, "Moderate"),
    Page("Generators", ":material/auto_awesome:", "generators", "generators", Role.VIEWER, "Laboratory"),
    Page("Arms race", ":material/swords:", "race", "race", Role.VIEWER, "Laboratory"),
    Page("Models", ":material/model_training:", "models", "models", Role.VIEWER, "Laboratory"),
    Page("Settings", ":material/tune:", "settings", "settings", Role.VIEWER, "System"),
)


def pages_for(user: User) -> tuple[Page, ...]:
    """The pages that somebody may open, in the order of the navigation."""
    return tuple(page for page in PAGES if user.role >= page.least)
