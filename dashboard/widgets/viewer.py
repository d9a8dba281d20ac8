"""Switches between the views of a picture, and wipes from one to the other with a slider."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import streamlit as st

from dashboard.backend.layers import Layer
from dashboard.widgets.markup import text

WIPE_HTML = (
    '<div class="box"><img class="below"><img class="above"><div class="edge"></div></div>'
    '<input type="range" min="0" max="100" value="50" aria-label="How much of the picture is covered by the view">'
)

WIPE_CSS = """
.box { position: relative; width: fit-content; max-width: 100%; margin: 0 auto; overflow: hidden; border-radius: 4px; }
img { display: block; max-width: 100%; max-height: 70vh; min-width: 16rem; object-fit: contain; }
.above { position: absolute; inset: 0; width: 100%; height: 100%; }
.edge { position: absolute; top: 0; bottom: 0; width: 2px; background: #fff; box-shadow: 0 0 0 1px #0008; }
input { display: block; width: 100%; margin: 0.5rem 0 0; accent-color: var(--st-primary-color); }
"""

WIPE_JS = """
export default function ({ parentElement, data }) {
  const [below, above] = ["below", "above"].map((name) => parentElement.querySelector("." + name));
  const [edge, range] = [parentElement.querySelector(".edge"), parentElement.querySelector("input")];
  for (const [image, view] of [[below, data?.below], [above, data?.above]]) {
    if (!view) continue;
    if (image.src !== view.address) image.src = view.address;
    image.alt = view.title;
  }
  const wipe = () => {
    above.style.clipPath = `inset(0 ${100 - range.value}% 0 0)`;
    edge.style.left = `calc(${range.value}% - 1px)`;
  };
  range.oninput = wipe;
  wipe();
}
"""


def viewer(layers: Sequence[Layer], *, key: str) -> None:
    """Draw the switch and the view that was chosen.

    Args:
        layers: the picture itself first; at least one.
        key: apart from those of other viewers on the page.
    """
    titles = {layer.title: layer for layer in layers}
    usual = "Heat map" if "Heat map" in titles else layers[0].title
    chosen = st.segmented_control(
        "View", [*titles], default=usual, key=f"view {key}", label_visibility="collapsed", required=True, wrap=True
    )
    layer = titles[chosen or usual]
    if layer is layers[0] or layer.name == "spectrum":
        whole(layer.jpeg, layer.title)
    else:
        _register()(data={"below": _told(layers[0]), "above": _told(layer)}, key=f"wipe {key}")
    ramp = '<span>nothing</span><span class="u-ramp"></span><span>strongest</span> · ' if layer.is_heat else ""
    st.html(f'<p class="u-soft">{ramp}{text(layer.about)}</p>')


def whole(jpeg: bytes, title: str) -> None:
    """Draw one picture that fits the window; one of them on a page."""
    with st.container(key="whole"):
        st.image(jpeg, width="content", alt=title)


@st.cache_resource(show_spinner=False)
def _register() -> st.components.v2.types.ComponentRenderer:
    return st.components.v2.component("unforged_wipe", html=WIPE_HTML, css=WIPE_CSS, js=WIPE_JS)


def _told(layer: Layer) -> dict[str, str]:
    return {"title": layer.title, "address": "data:image/jpeg;base64," + base64.b64encode(layer.jpeg).decode("ascii")}
