"""Attachments of Outlook messages come out, of messages in messages as well; files that lie harm nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.make_compound import Folder, compound, message, outlook
from tests.make_containers import zipped
from tests.unit.looking_inside import A, B, C, look


def nested(depth: int) -> bytes:
    """A picture in so many messages, one in the other."""
    inner: dict[str, bytes | Folder] = {"a.jpg": A}
    for _ in range(depth - 1):
        inner = {"fwd": message(inner)}
    return outlook(inner)


def test_attachments_come_out_of_a_message_and_of_those_in_it(tmp_path: Path) -> None:
    found = look(outlook({"a.jpg": A, "fwd: hello": message({"b.jpg": B}), "notes.txt": b"text" * 9}), tmp_path)
    assert found.files == {"a.jpg": A, "fwd: hello!/b.jpg": B} and found.error is None
    assert found.refused == {"notes.txt": "not-media"} and found.account.format == "ole"


def test_small_attachments_which_share_a_stream_come_out(tmp_path: Path) -> None:
    small = A[:4000].rstrip(b"\0")
    assert len(small) < 4096
    assert look(outlook({"a.jpg": small, "z.zip": zipped({"c.jpg": C})}), tmp_path).files == {
        "a.jpg": small,
        "z.zip!/c.jpg": C,
    }


def test_an_empty_attachment_is_refused_and_the_message_is_sound(tmp_path: Path) -> None:
    found = look(outlook({"a.jpg": b"", "b.jpg": B}), tmp_path)
    assert found.refused == {"a.jpg": "empty"} and found.files == {"b.jpg": B} and found.error is None


def test_objects_and_what_lies_elsewhere_are_counted(tmp_path: Path) -> None:
    parts = dict(message({"chart": {"CONTENTS": b"x" * 100}}))
    parts["__attach_version1.0_#00000001"] = {"__properties_version1.0": bytes(8)}
    found = look(compound(parts), tmp_path)
    assert found.account.left_out == {"no picture": 1, "link": 1}
    assert found.account.names == (("chart", "no picture"), ("attachment-2", "link"))


def test_a_name_is_read_in_either_encoding_and_bounded(tmp_path: Path) -> None:
    def named(stream: str, name: bytes) -> bytes:
        return compound(
            {
                "__properties_version1.0": bytes(32),
                "__attach_version1.0_#00000000": {
                    "__properties_version1.0": bytes(8),
                    stream: name,
                    "__substg1.0_37010102": A,
                },
            }
        )

    for number, (stream, name, wanted) in enumerate(
        (
            ("__substg1.0_3707001F", "日本\0x.jpg".encode("utf-16-le"), "日本"),
            ("__substg1.0_3704001E", "grün.jpg".encode("cp1252"), "grün.jpg"),
            ("__substg1.0_3001001F", b"x" * 10_000, "attachment-1"),
            ("__substg1.0_9999001F", b"x", "attachment-1"),
        )
    ):
        (tmp_path / f"{number}").mkdir()
        assert [*look(named(stream, name), tmp_path / f"{number}").files] == [wanted]


@pytest.mark.parametrize("name", ["../../evil.jpg", "/tmp/evil.jpg", "C:\\x.jpg", "a\x1b[31m.jpg"])
def test_a_name_never_becomes_a_path(name: str, tmp_path: Path) -> None:
    assert look(outlook({name: A}), tmp_path).files == {name: A}
    assert {path.name for path in tmp_path.iterdir()} == {"container", "scratch"}


def test_messages_are_opened_to_the_limit_and_the_next_is_refused(tmp_path: Path) -> None:
    assert [*look(nested(3), tmp_path, max_depth=3).files] == ["fwd!/fwd!/a.jpg"]
    (tmp_path / "deep").mkdir()
    found = look(nested(4), tmp_path / "deep", max_depth=3)
    assert found.refused == {"fwd!/fwd!/fwd": "too-deep"} and not found.files


@pytest.mark.parametrize(
    ("root", "code"),
    [
        ({"EncryptedPackage": A, "EncryptionInfo": b"x"}, "encrypted"),
        ({"WordDocument": A}, "unsupported"),
        ({"PowerPoint Document": A, "Pictures": B}, "unsupported"),
    ],
)
def test_other_compound_files_say_what_they_are(root: Folder, code: str, tmp_path: Path) -> None:
    found = look(compound(root), tmp_path)
    assert found.error is not None and found.error.code == code and not found.files


def test_an_attachment_that_says_it_is_larger_than_the_file_is_refused_and_the_others_come_out(tmp_path: Path) -> None:
    data = outlook({"a.jpg": A, "b.jpg": B}, lies={"__substg1.0_37010102": (1 << 31) - 1})
    assert look(data, tmp_path).refused == {"a.jpg": "broken", "b.jpg": "broken"}
    (tmp_path / "cut").mkdir()
    longer = outlook({"a.jpg": A, "b.jpg": B}, lies={"__substg1.0_37010102": len(A) + 2000})
    assert look(longer, tmp_path / "cut").refused == {"a.jpg": "truncated", "b.jpg": "truncated"}


def test_a_message_that_is_cut_off_says_so(tmp_path: Path) -> None:
    data = outlook({"a.jpg": A, "b.jpg": B})
    found = look(data[: len(data) * 2 // 3], tmp_path)
    assert found.error is not None and found.error.code == "broken"


def test_streams_that_share_their_bytes_are_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.containers.budget.RATIO_FLOOR_BYTES", 1 << 20)
    large = b"\x99" * 300_000
    data = bytearray(outlook({f"{i}.bin": large if i == 0 else b"\x99" * 5000 for i in range(20)}))
    entries = [
        at for at in range(0, len(data), 128) if data[at : at + 40] == "__substg1.0_37010102".encode("utf-16-le")
    ]
    first = data[entries[0] + 116 : entries[0] + 128]
    for at in entries:
        data[at + 116 : at + 128] = first
    found = look(bytes(data), tmp_path, max_ratio=2.0)
    assert len(entries) == 20
    assert found.error is not None and found.error.code == "bomb"


@pytest.mark.parametrize(
    "header",
    [
        {48: 0},
        {76: 0},
        {44: 2000, 68: 0, 72: 15},
        {60: 0, 64: 0xFFFFFFFF},
    ],
)
def test_a_message_whose_tables_lead_elsewhere_ends_in_one_line(header: dict[int, int], tmp_path: Path) -> None:
    data = bytearray(outlook({"a.jpg": A, "b.txt": b"small"}))
    for at, value in header.items():
        data[at : at + 4] = value.to_bytes(4, "little")
    found = look(bytes(data), tmp_path)
    assert found.error is not None and found.error.code in ("broken", "unsupported")
    assert "\n" not in str(found.error)


def test_a_larger_message_than_mail_can_be_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.containers.oles.MAX_MAIL_BYTES", 10_000)
    found = look(outlook({"a.jpg": A + bytes(10_000)}), tmp_path)
    assert found.error is not None and found.error.code == "too-many-bytes"
