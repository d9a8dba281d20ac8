"""The page Settings: limits, thresholds, trust list, language of reports, database and retention."""

from __future__ import annotations

import math
from dataclasses import replace

import streamlit as st

from dashboard.backend.configuration import (
    MAX_KEEP_HOURS,
    MAX_TRUST_BYTES,
    Configuration,
    Limits,
    ScanSettings,
    languages,
    n_anchors,
    save,
    save_trust_list,
)
from dashboard.backend.options import Options
from dashboard.backend.profiles import STANDARD, choices, speaking
from dashboard.backend.storing import without_password
from dashboard.backend.words import sentence
from dashboard.roles import Role
from dashboard.session import configuration, current_user, options
from dashboard.widgets.empty import heading
from dashboard.widgets.markup import table

_SAVED = "settings were saved"

MIB = 1 << 20


def render() -> None:
    """Draw the page."""
    heading("Settings", "What every scan that begins from now on follows. Earlier results stay as they are.")
    try:
        now = configuration()
    except ValueError as error:
        st.error(f"{sentence(error)} Until they are saved again, no file is examined.", icon=":material/error:")
        now = Configuration(keep_hours=options().keep_hours)
    may_write = current_user().role >= Role.ADMIN
    if not may_write:
        st.info("Only an admin may change these.", icon=":material/lock:")
    if st.session_state.pop(_SAVED, False):
        st.success("Saved. Files that are being examined finish under the old settings.", icon=":material/check:")
    left, right = st.columns([3, 2], gap="large")
    with left:
        _form(now, may_write)
    with right:
        _trust_list(now, may_write)
        _started()


def _form(now: Configuration, may_write: bool) -> None:
    with st.form("settings", border=True):
        st.subheader("Thresholds", anchor=False)
        scan = _thresholds(now.scan, may_write)
        silent = _outside_models(now, may_write)
        st.subheader("Limits of one file", anchor=False)
        limits = _limits(now.scan.limits, may_write)
        st.subheader("Retention", anchor=False)
        keep_hours = st.number_input(
            "Pictures of uploads are kept for (hours)",
            min_value=0.1,
            max_value=MAX_KEEP_HOURS,
            value=now.keep_hours,
            disabled=not may_write,
            help="Uploads themselves are deleted when they have been examined. Findings stay in the database.",
        )
        st.subheader("Reports", anchor=False)
        language_code = _language(now, may_write)
        if st.form_submit_button("Save", type="primary", disabled=not may_write):
            _save(scan, limits, Configuration(now.scan, keep_hours, language_code, silent))


def _save(scan: dict[str, float], limits: Limits, wanted: Configuration) -> None:
    try:
        now = configuration()
    except ValueError:
        now = Configuration()
    try:
        settings = replace(now.scan, **scan, limits=limits)  # type: ignore[arg-type]
        save(options(), replace(wanted, scan=settings), user=current_user())
    except (ValueError, OSError) as error:
        st.error(sentence(error), icon=":material/error:")
        return
    st.session_state[_SAVED] = True
    st.rerun()


def _thresholds(now: ScanSettings, may_write: bool) -> dict[str, float]:
    prior = st.slider(
        "Share of manipulated files expected beforehand (%)",
        0.1,
        99.9,
        round(100 * now.prior, 1),
        0.1,
        disabled=not may_write,
        help="Where one file in a thousand is forged, say 0.1: the probability of each file falls accordingly.",
    )
    st.caption("How many times more usual all findings together are on manipulated files than on untouched ones:")
    first, second = st.columns(2)
    off = not may_write
    likely = first.number_input("“Likely …” from", 1.0, 10_000.0, _times(now.likely_llr), disabled=off)
    inconclusive = second.number_input("“Inconclusive” from", 1.0, 10_000.0, _times(now.inconclusive_llr), disabled=off)
    return {"prior": round(prior / 100, 5), "likely_llr": _llr(likely), "inconclusive_llr": _llr(inconclusive)}


def _outside_models(now: Configuration, may_write: bool) -> tuple[str, ...]:
    """Names of those that are not asked."""
    known = choices(STANDARD, now.scan)
    if not known:
        return now.silent
    st.subheader("Outside models", anchor=False)
    asked = st.pills(
        "Asked in every scan, unless somebody chooses others",
        known,
        selection_mode="multi",
        default=speaking(now),
        disabled=not may_write,
        help="Detectors that were added with `unforged models add`; one that is added later is asked.",
    )
    return tuple(name for name in known if name not in asked)


def _language(now: Configuration, may_write: bool) -> str:
    names = languages()
    return st.selectbox(
        "Language of the reports",
        list(names),
        list(names).index(now.language_code),
        format_func=names.__getitem__,
        disabled=not may_write,
        help="Of the HTML and PDF files that are downloaded. JSON, which machines read, and these pages stay English.",
    )


def _llr(times: float) -> float:
    """Rounded, so that saving what was not touched changes nothing."""
    return round(math.log10(times), 3)


def _times(llr: float) -> float:
    return float(f"{10**llr:.4g}")


def _limits(now: Limits, may_write: bool) -> Limits:
    first, second = st.columns(2)
    off = not may_write
    return replace(
        now,
        max_bytes=MIB * first.number_input("Largest file (MiB)", 1, 1 << 20, now.max_bytes // MIB, disabled=off),
        max_pixels=1_000_000
        * second.number_input(
            "Largest picture (megapixels)", 1, 500, max(1, now.max_pixels // 1_000_000), disabled=off
        ),
        max_duration_s=3600
        * first.number_input("Longest video (hours)", 0.1, 100.0, now.max_duration_s / 3600, disabled=off),
        n_frames=second.number_input("Frames sampled from a video", 1, 512, now.n_frames, disabled=off),
        image_timeout_s=first.number_input("Time for an image (s)", 1.0, 600.0, now.image_timeout_s, disabled=off),
        timeout_s=second.number_input("Time for a video (s)", 1.0, 3600.0, now.timeout_s, disabled=off),
        memory_bytes=MIB
        * first.number_input("Memory for one file (MiB)", 256, 1 << 16, now.memory_bytes // MIB, disabled=off),
    )


def _trust_list(now: Configuration, may_write: bool) -> None:
    st.subheader("Trust list for signatures (C2PA)", anchor=False)
    own = now.scan.trust_list
    n = n_anchors(now)
    st.markdown(
        f"A list of {n:,} certificate{'s' * (n != 1)} is in force."
        if n
        else "No list is in force: signatures are checked, but nobody vouches for the signers."
    )
    if not may_write:
        return
    brought = st.file_uploader(
        "Another list: a PEM file with certificates", key="trust list", max_upload_size=MAX_TRUST_BYTES >> 20
    )
    if brought is not None and st.button("Use this list"):
        _use_list(brought.getvalue())
    if own is not None and st.button("Use no list of your own"):
        _use_list(None)


def _use_list(pem: bytes | None) -> None:
    try:
        path = None if pem is None else save_trust_list(options(), pem, user=current_user())
        now = configuration()
        save(options(), replace(now, scan=replace(now.scan, trust_list=path)), user=current_user())
    except (ValueError, OSError) as error:
        st.error(sentence(error), icon=":material/error:")
        return
    st.session_state[_SAVED] = True
    st.rerun()


def _ways_in(started: Options) -> str:
    ways = {"password file": started.password_file is not None, "identity provider": started.has_provider}
    return " or ".join(way for way, is_open in ways.items() if is_open) or "nobody has to"


def _started() -> None:
    st.subheader("How this dashboard was started", anchor=False)
    started = options()
    st.html(
        table(
            (
                ("Database", without_password(started.database)),
                ("Uploads and pictures", str(started.folder)),
                ("Largest upload", f"{started.upload_mb:,} MiB"),
                ("Sign-in", _ways_in(started)),
            )
        )
    )
    st.caption("These change with the options of `unforged dashboard`, when it is started again.")
