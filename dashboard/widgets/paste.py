"""Pictures from the clipboard: Ctrl+V anywhere on the page puts them into the upload field.

They go the way of every upload, with its limit on size and its checks, and no other.
"""

from __future__ import annotations

import streamlit as st

PASTE_HTML = '<p>or paste a picture with <kbd>Ctrl</kbd>+<kbd>V</kbd> <output aria-live="polite"></output></p>'

PASTE_CSS = """
p { margin: 0; font: 0.85rem var(--st-font); color: color-mix(in srgb, var(--st-text-color) 70%, transparent); }
@media (hover: none) and (pointer: coarse) { p { display: none; } }
kbd { border: 1px solid; border-radius: 3px; padding: 0 0.3em; font: inherit; }
"""

PASTE_JS = """
export default function ({ parentElement }) {
  const said = parentElement.querySelector("output");
  const paste = (event) => {
    const files = [...(event.clipboardData?.files ?? [])].filter((file) => /^(image|video)\\//.test(file.type));
    const input = document.querySelector('[data-testid="stFileUploaderDropzoneInput"]');
    if (!files.length || !input) return;
    event.preventDefault();
    const transfer = new DataTransfer();
    files.forEach((file) => transfer.items.add(file));
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    said.textContent = "– taken from the clipboard";
  };
  document.addEventListener("paste", paste);
  return () => document.removeEventListener("paste", paste);
}
"""


def paste_target() -> None:
    """Listen for pasted pictures; the page must hold a file uploader."""
    _register()(key="paste")


@st.cache_resource(show_spinner=False)
def _register() -> st.components.v2.types.ComponentRenderer:
    return st.components.v2.component("unforged_paste", html=PASTE_HTML, css=PASTE_CSS, js=PASTE_JS)
