"""TIFF files of several pages (TIFF 6.0, BigTIFF): each is handed over as a TIFF of its own, its bytes as they are."""

from __future__ import annotations

from typing import BinaryIO

from forensics.containers.account import PART, SIGNATURE
from forensics.containers.share import Share
from forensics.containers.tiff_page import SIGNATURE_TAG, Page
from forensics.containers.unpacking import Level
from forensics.errors import MediaError
from forensics.media.tiff_directories import directory_of
from forensics.media.tiff_layout import Chain, FileBytes, Layout


def read_tiff(file: BinaryIO, level: Level) -> None:
    """Hand over the pages of a TIFF.

    Raises:
        MediaError: its directories overlap, loop or lead to where there is none.
    """
    layout, share = Layout(FileBytes(file)), level.parted()
    chain, n_pages, n_table_bytes = Chain(layout), 0, 0
    for number, table in enumerate(chain, 1):
        n_table_bytes += table.n_bytes
        if n_table_bytes > len(layout.data):
            raise MediaError("broken", "directories of the TIFF overlap; the rest was left out")
        if not directory_of(layout, table).is_page:
            is_signature = any(entry.tag == SIGNATURE_TAG for entry in table.entries)
            _leave_out(f"directory-{number}", SIGNATURE if is_signature else PART, level, share)
            continue
        n_pages += 1
        name = f"page-{n_pages}.tif"
        try:
            page = Page(layout, table)
        except MediaError as error:
            if share.holds(name.encode()):
                level.refuse(name, error.code, str(error))
            else:
                level.pass_by()
            continue
        if page.is_signed:
            _leave_out(f"directory-{number}", SIGNATURE, level, share)
        if share.is_whole or share.holds(page.mark):
            level.add(name, page)
        else:
            level.pass_by()
    if chain.is_looped:
        raise MediaError("broken", "directories of the TIFF lead back to earlier ones; each page was looked at once")
    if chain.is_cut:
        raise MediaError("truncated", f"the TIFF ends before the directory that follows its page {n_pages}")


def _leave_out(name: str, reason: str, level: Level, share: Share) -> None:
    if share.is_first:
        level.leave_out(name, reason)
    else:
        level.pass_by()
