"""Buttons that take files away. A click counts whenever it comes: also while the page is drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard.backend.offers import Held, Offer, all_offers
from dashboard.downloads import PATH
from dashboard.session import current_user, user_now

_HELD = "offered files"

DOWNLOADS_HTML = '<div class="row"></div><output aria-live="polite"></output>'

DOWNLOADS_CSS = """
.row { display: flex; flex-wrap: wrap; gap: 0.5rem; }
button { display: inline-flex; align-items: center; gap: 0.5rem; min-height: 2.5rem; padding: 0.25rem 0.75rem;
  cursor: pointer; font: 400 0.875rem var(--st-font);
  color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid color-mix(in srgb, var(--st-text-color) 20%, transparent);
  border-radius: var(--st-button-radius, 0.25rem); }
button:hover, button:focus-visible { color: var(--st-primary-color); border-color: currentColor; outline: none; }
button:focus-visible { box-shadow: 0 0 0 0.2rem color-mix(in srgb, var(--st-primary-color) 50%, transparent); }
button:disabled { opacity: 0.55; cursor: progress; }
svg { width: 1rem; height: 1rem; flex: none; fill: none; stroke: currentColor; stroke-width: 2; }
button:disabled svg { animation: turn 0.9s linear infinite; }
@keyframes turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) { button:disabled svg { animation: none; } }
output:not(:empty) { display: block; margin-top: 0.35rem; font: 0.875rem var(--st-font); color: var(--st-text-color); }
"""

DOWNLOADS_JS = """
const READY = "M12 4v11m-5-5 5 5 5-5M4 19h16", AT_WORK = "M12 3a9 9 0 1 1-9 9";

async function fetched(path, secret) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", body: secret, credentials: "same-origin" });
  } catch {
    throw new Error("The dashboard does not answer.");
  }
  if (!answer.ok) throw new Error(await answer.text());
  return new Blob([await answer.arrayBuffer()], { type: "application/octet-stream" });
}

async function take(button, said, path, file) {
  atWork(button, true);
  said.textContent = "";
  try {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await fetched(path, file.secret));
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  } catch (error) {
    said.textContent = "✕ " + error.message;
  }
  atWork(button, false);
}

function atWork(button, is) {
  button.disabled = is;
  button.querySelector("path").setAttribute("d", is ? AT_WORK : READY);
}

function made() {
  const button = document.createElement("button");
  button.type = "button";
  button.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path/></svg><span></span>';
  atWork(button, false);
  return button;
}

export default function ({ parentElement, data }) {
  const [row, said] = [".row", "output"].map((name) => parentElement.querySelector(name));
  const files = data?.files ?? [];
  while (row.children.length > files.length) row.lastChild.remove();
  files.forEach((file, place) => {
    // What is there stays: a button that is at work keeps its state.
    const button = row.children[place] ?? row.appendChild(made());
    button.lastChild.textContent = file.label;
    button.onclick = () => take(button, said, data.path, file);
  });
}
"""


@dataclass(frozen=True)
class Download:
    """One button.

    Attributes:
        label: on it.
        name: of the file.
        make: its bytes, called when somebody clicks, in another thread and outside of the script: it must ask for
            nothing of the session.
    """

    label: str
    name: str
    make: Callable[[], bytes]


def downloads(files: Sequence[Download], *, key: str) -> None:
    """Draw a row of them.

    Args:
        files: from left to right.
        key: apart from those of other rows on any page; the same row has the same key in the next run.
    """
    held = st.session_state.setdefault(_HELD, Held(all_offers()))
    told = [
        {
            "label": file.label,
            "name": file.name,
            "secret": held.renew(f"{key} {file.label}", Offer(file.make, current_user(), user_now())),
        }
        for file in files
    ]
    _register()(data={"path": PATH, "files": told}, key=f"downloads {key}", width="content")


def withdraw() -> None:
    """Offer nothing of what this session offered so far."""
    st.session_state.pop(_HELD, None)


@st.cache_resource(show_spinner=False)
def _register() -> st.components.v2.types.ComponentRenderer:
    return st.components.v2.component("unforged_downloads", html=DOWNLOADS_HTML, css=DOWNLOADS_CSS, js=DOWNLOADS_JS)
