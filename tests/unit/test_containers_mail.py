"""A hostile mail costs itself and not its box, and what is attached is examined whatever it is called."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.make_compound import outlook
from tests.make_containers import document, mail, mail_box, pdf, winmail, zipped
from tests.unit.looking_inside import A, B, look

_HEAD = b"From: a@example.org\nTo: b@example.org\nSubject: x\nMIME-Version: 1.0\n"
_MULTIPARTS = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (i, i) for i in range(3000))
HOSTILE = {
    "mails within mails": _HEAD + b"Content-Type: message/rfc822\n\n" * 2000,
    "parts within parts": _HEAD + _MULTIPARTS,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_mail_that_nests_without_end_costs_itself(kind: str, tmp_path: Path) -> None:
    found = look(mail_box([mail({"a.jpg": A}), HOSTILE[kind], mail({"b.jpg": B})]), tmp_path)
    assert found.files == {"mail-1!/a.jpg": A, "mail-3!/b.jpg": B} and found.error is None
    assert found.refused == {"mail-2": "too-deep"}
    assert all("Error" not in member.message for member in found.members)


@pytest.mark.parametrize("kind", HOSTILE)
def test_such_a_mail_alone_says_so(kind: str, tmp_path: Path) -> None:
    found = look(HOSTILE[kind], tmp_path)
    assert found.error is not None and found.error.code == "too-deep" and "Error" not in str(found.error)


def test_limits_on_the_whole_end_a_box(tmp_path: Path) -> None:
    found = look(mail_box([mail({"a.jpg": A}), mail({"b.jpg": B})]), tmp_path, max_members=3)
    assert found.files == {"mail-1!/a.jpg": A}
    assert found.error is not None and found.error.code == "too-many-members"


ATTACHED = {"mail": mail, "winmail.dat": winmail, "msg": outlook}


@pytest.mark.parametrize("kind", ATTACHED)
def test_an_attachment_with_a_dot_before_its_name_is_not_hidden(kind: str, tmp_path: Path) -> None:
    found = look(ATTACHED[kind]({".a.jpg": A, "b.jpg": B}), tmp_path)
    assert found.files == {".a.jpg": A, "b.jpg": B} and "hidden" not in found.account.left_out


def test_nor_is_one_in_a_box(tmp_path: Path) -> None:
    assert look(mail_box([mail({".a.jpg": A})]), tmp_path).files == {"mail-1!/.a.jpg": A}


def test_nor_is_a_picture_of_a_document(tmp_path: Path) -> None:
    found = look(document("docx", {".image1.jpg": A}), tmp_path)
    assert found.files == {"word/media/.image1.jpg": A} and "hidden" not in found.account.left_out


def test_nor_is_a_file_that_a_pdf_holds(tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf", reason="the extra `archives` is not installed")
    writer = pypdf.PdfWriter(clone_from=pypdf.PdfReader(io.BytesIO(pdf([]))))
    writer.add_attachment(".a.jpg", A)
    out = io.BytesIO()
    writer.write(out)
    assert look(out.getvalue(), tmp_path).files == {".a.jpg": A}


def test_an_archive_that_is_attached_hides_what_a_folder_hides(tmp_path: Path) -> None:
    found = look(mail({".in.zip": zipped({".a.jpg": A, "b.jpg": B})}), tmp_path)
    assert found.files == {".in.zip!/b.jpg": B}
    assert [m.account.left_out for m in found.members if m.account is not None] == [{"hidden": 1}]
