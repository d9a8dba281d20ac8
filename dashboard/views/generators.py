"""The page Generators: what makes fakes, what they look like, how good they are, and some to take away."""

from __future__ import annotations

import streamlit as st

from dashboard.backend import gallery
from dashboard.backend.courses import Course, shipped_course, uploaded_course
from dashboard.backend.gallery import MAX_ALTERED, MAX_MADE, Made, Maker, Order
from dashboard.backend.words import as_markdown
from dashboard.roles import Role
from dashboard.session import current_user, options
from dashboard.widgets.charts import course_chart
from dashboard.widgets.downloads import Download, downloads
from dashboard.widgets.empty import empty_state, heading
from dashboard.widgets.laboratory import card_panel, explain, figures_panel

PHOTO_TYPES = ["jpg", "jpeg", "png", "webp", "avif", "heic", "tif", "tiff", "bmp"]

_MADE = "fakes that were made"

WRONG = (ImportError, LookupError, OSError, ValueError)
"""What a missing extra, a bad photo, broken weights or a full disk raise; each says what is wrong."""


def render() -> None:
    """Draw the page."""
    heading("Generators", "What makes the fakes that detectors learn from. Every fake says so, to machines too.")
    makers = _generators()
    if not makers:
        empty_state("No generator is installed.")
        return
    maker = _chosen(makers)
    needs = f"alters a photo of at least {maker.min_side_px} pixels a side" if maker.needs_photos else "needs no photo"
    st.markdown(f"{as_markdown(maker.about)} :gray[Family {as_markdown(maker.family)}; {needs}.]")
    if maker.missing:
        empty_state(f"It cannot be used here: {as_markdown(maker.missing)}", icon=":material/extension_off:")
        return
    samples, make, quality, card = st.tabs(["Samples", "Make some", "Quality", "Card"])
    with samples:
        _samples(maker)
    with make:
        _make(maker)
    with quality:
        _quality(maker)
    with card:
        if maker.card is None:
            st.caption("Nothing was trained: it works by rules, and there is no card.")
        else:
            card_panel(maker.card)


@st.cache_resource(show_spinner=False)
def _generators() -> tuple[Maker, ...]:
    return gallery.generators()


def _chosen(makers: tuple[Maker, ...]) -> Maker:
    """The generator of the address, so that a reload and a link lead to the same one."""
    names = [maker.name for maker in makers]
    asked = st.query_params.get("generator", names[0])
    name = st.selectbox("Generator", names, index=names.index(asked) if asked in names else 0)
    st.query_params["generator"] = name
    return makers[names.index(name)]


def _samples(maker: Maker) -> None:
    try:
        with st.spinner("Making samples; the first time takes some seconds.", show_time=True):
            sheet = _sheet(maker.name)
    except WRONG as error:
        explain(error)
        return
    st.image(sheet, width="content", alt=f"Samples of {maker.name}")
    told = "Twice in each row: a picture that a GAN made, the fake, and where only a part is new the mask."
    st.caption(f"The first seeds, none left out, enlarged twice. {told if maker.needs_photos else ''}")


@st.cache_resource(show_spinner=False, max_entries=32)
def _sheet(name: str) -> bytes:
    return gallery.sample_sheet(name)


def _make(maker: Maker) -> None:
    if current_user().role < Role.MODERATOR:
        empty_state("Making fakes needs the role moderator.", icon=":material/lock:")
        return
    with st.form("make", border=False):
        photo = None
        if maker.needs_photos:
            photo = st.file_uploader(f"Photo to alter, up to {options().upload_mb} MB", PHOTO_TYPES, key="photo")
        most = MAX_ALTERED if maker.needs_photos else MAX_MADE
        left, middle, right = st.columns(3)
        n = left.number_input("How many", 1, most, min(4, most), key=f"how many of at most {most}")
        seed = middle.number_input("Seed of the first", 0, 2**31 - 1, 0, help="The same seed makes the same fake.")
        form = right.segmented_control("Format", ["png", "jpeg"], default="png", format_func=str.upper)
        if st.form_submit_button("Make", type="primary", icon=":material/auto_awesome:"):
            _work(Order(maker.name, int(seed), int(n), "jpeg" if form == "jpeg" else "png"), photo)
    _show_made(maker)


def _work(order: Order, photo: st.runtime.uploaded_file_manager.UploadedFile | None) -> None:
    bar, done = st.progress(0.0, f"0 of {order.n} made"), 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        bar.progress(done / order.n, f"{done} of {order.n} made")

    st.session_state.pop(_MADE, None)
    try:
        st.session_state[_MADE] = order, gallery.make(order, None if photo is None else photo.getvalue(), count)
    except WRONG as error:
        explain(error)
    finally:
        bar.empty()


def _show_made(maker: Maker) -> None:
    order, made = st.session_state.get(_MADE, (None, None))
    if not isinstance(order, Order) or not isinstance(made, Made) or order.generator != maker.name:
        return
    st.success(f"{made.n} labelled fakes of seed {order.seed} on.", icon=":material/check_circle:")
    st.image(made.sheet, width="content", alt=f"{made.n} fakes of {maker.name}")
    if maker.needs_photos:
        st.caption("Beside each other: photo, fake, mask (white where it was changed).")
    name = f"{order.generator}-seed{order.seed}-n{made.n}.zip"
    label = f"Download as zip ({len(made.archive) / 1e6:.1f} MB)"
    downloads([Download(label, name, lambda: made.archive)], key="made")
    st.caption("In it: the fakes, their masks and originals, a sheet, and a list that `unforged evaluate` reads.")


def _quality(maker: Maker) -> None:
    if maker.card is None:
        st.caption("Nothing was trained, so there is no quality to measure; its masks are exact by construction.")
        return
    course = shipped_course(maker.card.stem)
    if course is not None:
        _course(course)
    figures_panel(maker.card)
    with st.expander("The course of a training run of your own"):
        given = st.file_uploader("`log.jsonl` of the run's folder, up to 5 MB", ["jsonl"])
        if given is not None:
            try:
                _course(uploaded_course(given.getvalue()))
            except ValueError as error:
                explain(error)


def _course(course: Course) -> None:
    for column, (title, points) in zip(st.columns(len(course.panels)), course.panels.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            st.altair_chart(course_chart(points), width="stretch", alt=f"{title}, over the training")
    st.caption("Bands are 95 % intervals. Figures rest on EfficientNet-Lite0 and compare with each other only.")
    for note in course.notes:
        st.caption(as_markdown(note))
