"""Where files come in: dropped, chosen, or pasted. They are written to disk and let go at once."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard.backend.profiles import Examination
from dashboard.backend.scanning import MediaError
from dashboard.backend.words import as_markdown, sentence
from dashboard.session import configuration, current_user, options, scanning
from dashboard.widgets.examination import examination_fields
from dashboard.widgets.paste import paste_target

_ROUND = "uploads so far"
_REFUSED = "refused"
"""Sentences on files that nobody could take in just now; they stand until more files are brought."""


def intake() -> list[str]:
    """Draw the field for uploads and take in what was brought.

    Returns:
        The keys of the new jobs, in the order of the files; of those that are refused for what they are as well.
    """
    limits = configuration().scan.limits
    largest = min(options().upload_mb, limits.max_bytes >> 20)
    st.caption(
        f"Up to {largest:,} MiB a file, {limits.max_pixels / 1e6:,.0f} megapixels, videos up to "
        f"{limits.max_duration_s / 3600:g} hours. Uploads are deleted when they have been examined; pictures of them "
        f"after {configuration().keep_hours:g} hours."
    )
    how = examination_fields("uploads")
    turn = st.session_state.setdefault(_ROUND, 0)
    files = st.file_uploader(
        "Pictures and videos", accept_multiple_files=True, key=f"upload {turn}", label_visibility="collapsed"
    )
    paste_target()
    for words in st.session_state.get(_REFUSED, ()):
        st.error(words, icon=":material/block:")
    if not files:
        return []
    # A fresh field: the old one would hand over the same files at every click.
    st.session_state[_ROUND] = turn + 1
    st.session_state[_REFUSED] = []
    brought = [key for file in files if (key := _submit(file, how))]
    if not brought:
        st.rerun()
    return brought


def _submit(file: UploadedFile, how: Examination) -> str:
    try:
        return scanning().submit(file, file.name, user=current_user(), how=how)
    except MediaError as error:
        return scanning().refuse(file.name, error)
    except (RuntimeError, OSError, ValueError) as error:
        st.session_state[_REFUSED].append(f"{as_markdown(file.name, 120)}: {sentence(error)}")
        return ""
    finally:
        _let_go(file)


def _let_go(file: UploadedFile) -> None:
    """Free the memory of an upload: Streamlit would hold it until the browser leaves."""
    context = get_script_run_ctx()
    remove = getattr(getattr(context, "uploaded_file_mgr", None), "remove_file", None)
    if context is not None and remove is not None:
        remove(session_id=context.session_id, file_id=file.file_id)
