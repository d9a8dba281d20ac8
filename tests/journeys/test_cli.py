"""What a person, a pipe and a script see of the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.cli import COMMANDS
from tests.make_media import jpeg, photo

HEAVY = (
    "numpy",
    "cv2",
    "PIL",
    "av",
    "torch",
    "scipy",
    "sqlalchemy",
    "alembic",
    "rich",
    "pyarrow",
    "jinja2",
    "fpdf",
    "c2pa",
)


def start(*arguments: str, home: Path, **given: object) -> subprocess.Popen[bytes]:
    environment = os.environ | {"XDG_DATA_HOME": str(home), "COLUMNS": "100"}
    command = [sys.executable, "-m", "forensics.cli", *arguments]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | given
    return subprocess.Popen(command, env=environment, **pipes)  # type: ignore[call-overload, no-any-return]


def run(*arguments: str, home: Path, stdin: bytes = b"") -> tuple[int, str, str]:
    process = start(*arguments, home=home)
    out, err = process.communicate(stdin, timeout=60)
    return process.returncode, out.decode(), err.decode()


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    for seed in (1, 2):
        (folder / f"{seed}.jpg").write_bytes(jpeg(photo(seed, width=160, height=120)))
    return folder


@pytest.fixture(autouse=True, scope="module")
def interruptible() -> Iterator[None]:
    """A shell that starts the tests in the background has them ignore SIGINT, and every child inherits that."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


SCAN = ("scan", "--analyzers", "ela", "--image-timeout", "50")


def test_help_loads_nothing_heavy_and_answers_at_once(tmp_path: Path) -> None:
    program = (
        "import sys, time; t = time.perf_counter(); from forensics.cli import main; code = main(['--help']);"
        "took = time.perf_counter() - t; print(sorted(set(sys.modules)), took, code, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout
    names, _, rest = done.stderr.rpartition("]")
    assert not [heavy for heavy in HEAVY if f"'{heavy}'" in names]
    took_s, code = rest.split()
    assert float(took_s) < 0.5 and code == "0"


def test_help_of_a_command_loads_nothing_heavy_either() -> None:
    program = "import sys; from forensics.cli import main; main([sys.argv[1], '--help']); "
    program += "print(*sys.modules, file=sys.stderr)"
    for command in COMMANDS:
        done = subprocess.run([sys.executable, "-c", program, command], capture_output=True, text=True, check=True)
        assert not set(HEAVY) & set(done.stderr.split())


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert run("--version", home=tmp_path)[:2] == (0, "unforged 0.1.0\n")


def test_scan_then_history_then_report(media: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said, told = run(*SCAN, str(media), "--out", str(out), home=tmp_path)
    assert (code, len(said.splitlines())) == (0, 2)
    path, opinion, probability, *_ = said.splitlines()[0].split("\t")
    assert path.startswith(str(media)) and opinion == "inconclusive" and 0 < float(probability) < 1
    assert "2 files: 2 inconclusive" in told and str(out) in told
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert all((out / f"{line['sha256'][:16]}.{form}").is_file() for line in lines for form in ("html", "json"))

    code, said, told = run(*SCAN, str(media), "--fail-on", "inconclusive", home=tmp_path)
    assert code == 1 and said.count("cached: ") == 2 and "2 known from the store" in told

    code, said, _ = run("history", "--name", "1.jpg", "--json", home=tmp_path)
    (row,) = [json.loads(line) for line in said.splitlines()]
    assert code == 0 and row["path"] == str(media / "1.jpg")

    code, said, _ = run("report", str(row["id"]), "--format", "json", home=tmp_path)
    assert code == 0 and json.loads(said)["sha256"] == row["sha256"]
    code, _, told = run("report", row["sha256"][:10], "--out", str(tmp_path / "r.html"), home=tmp_path)
    assert (code, told) == (0, "")
    assert b"<img" in (tmp_path / "r.html").read_bytes()
    german = ("--language", "de", "--out", str(tmp_path / "d.html"))
    assert run("report", str(row["id"]), *german, home=tmp_path)[::2] == (0, "")
    page = (tmp_path / "d.html").read_text()
    assert '<html lang="de">' in page and "Nicht eindeutig" in page and "<img" in page


def test_standard_input_and_a_broken_file_among_good_ones(media: Path, tmp_path: Path) -> None:
    (tmp_path / "b\x1b[31mad\n.jpg").write_bytes(b"")
    arguments = (*SCAN, "-", str(tmp_path / "b\x1b[31mad\n.jpg"), "--store", "none")
    code, said, _ = run(*arguments, home=tmp_path, stdin=(media / "1.jpg").read_bytes())
    assert code == 3
    rows = [line.split("\t") for line in said.splitlines()]
    assert {row[0]: row[1] for row in rows} == {
        "-": "inconclusive",
        f"{tmp_path}/b\\x1b[31mad\\n.jpg": "not examined",
    }
    assert "\x1b" not in said
    assert not (tmp_path / "unforged").exists()


def test_a_file_over_the_bar_outweighs_one_that_cannot_be_read(media: Path, tmp_path: Path) -> None:
    arguments = (*SCAN, str(media / "1.jpg"), str(media / "none.jpg"), "--store", "none")
    assert run(*arguments, "--fail-on", "inconclusive", home=tmp_path)[0] == 1
    assert run(*arguments, "--fail-on", "never", home=tmp_path)[0] == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scan",), "Missing argument"),
        (("frobnicate",), "No such command"),
        (("scan", "x", "--analyzers", "nonsense"), "there is no analyzer 'nonsense'"),
        (("scan", "x", "--format", "docx"), "no format 'docx'"),
        (("scan", "x", "--format", "csv"), "--out DIR must say where"),
        (("scan", "x", "--trust-list", __file__), "holds no PEM certificate"),
        (("scan", "x", "--prior", "2"), "prior must lie between 0 and 1"),
        (("scan", "x", "--memory", "lots"), "no size"),
        (("scan", "x", "--store", "oracle7://x"), "the store takes an address"),
        (("scan", "x", "--cameras", "/nowhere"), "no folder"),
        (("report", "7"), "holds no scan 7"),
        (("report", "\x1b[31m"), "\\x1b[31m"),
        (("history", "--store", "none"), "no history without a store"),
        (("camera", "remove", "x"), "no camera 'x'"),
    ],
)
def test_wrong_use_is_one_clear_line_and_code_2(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    code, out, err = run(*arguments, home=tmp_path)
    assert (code, out) == (2, "")
    assert err.startswith("unforged: error: ") and said in err and len(err.splitlines()) == 1


def test_a_full_disk_is_one_line_that_names_the_file(media: Path, tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000));"
    ignore = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    start_it = f"{limit}{ignore} import sys; from forensics.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = (*SCAN, str(media), "--out", str(tmp_path / "out"), "--store", "none")
    done = subprocess.run([sys.executable, "-c", start_it, *arguments], capture_output=True, timeout=60, check=False)
    said = done.stderr.decode()
    assert done.returncode == 2
    assert len(said.splitlines()) == 1 and said.rstrip().endswith(".html") and str(tmp_path / "out") in said
    assert not list((tmp_path / "out").glob("*.part"))


def test_an_output_folder_that_cannot_be_made_is_code_2(media: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    code, _, err = run(*SCAN, str(media), "--out", str(tmp_path / "file" / "out"), "--store", "none", home=tmp_path)
    assert code == 2 and err.startswith("unforged: error: ") and "Traceback" not in err


def test_a_reader_that_has_enough_does_not_stop_the_scan(media: Path, tmp_path: Path) -> None:
    process = start(*SCAN, str(media), "--out", str(tmp_path / "out"), "--store", "none", home=tmp_path)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    said = process.stderr.read().decode()
    assert process.wait(60) == 0
    assert "Traceback" not in said and "Broken pipe" not in said
    assert len((tmp_path / "out" / "results.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_scan_leaves_whole_lines_and_no_process(
    media: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    # More than a pipe holds: the scan cannot reach its end before this side reads on, however slow it is.
    for i in range(400):
        (many / f"{i:0240d}.jpg").hardlink_to(media / "1.jpg")
    process = start(*SCAN, str(many), "--out", str(tmp_path / "out"), "--store", "none", "--jobs", "1", home=tmp_path)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.send_signal(number)
    # Ends only when the last process that holds the pipe is gone: the workers are, too.
    process.stdout.read()
    said = process.stderr.read().decode()
    assert process.wait(60) == code
    assert "Traceback" not in said
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert 1 <= len(lines) < 400
    assert all(json.loads(line)["status"] == "ok" for line in lines)


def test_a_terminal_gets_a_table_and_no_tabs(media: Path, tmp_path: Path) -> None:
    import pty

    here, there = pty.openpty()
    process = start(*SCAN, str(media), "--store", "none", home=tmp_path, stdout=there, stderr=there)
    os.close(there)
    said = b""
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s:
        try:
            said += os.read(here, 4096)
        except OSError:
            break
    os.close(here)
    assert process.wait(10) == 0
    text = said.decode()
    assert "opinion" in text and "probability" in text and "2 files: 2 inconclusive" in text
    assert "\t" not in text


def test_every_analyzer_is_listed_with_its_trace(tmp_path: Path) -> None:
    code, said, _ = run("analyzers", "--json", home=tmp_path)
    entries = {entry["name"]: entry for entry in map(json.loads, said.splitlines())}
    assert code == 0
    assert entries["ela"]["trace"] == "compression" and entries["ela"]["calibrated"] is False
    assert all(entry["about"] for entry in entries.values())


def test_the_list_of_analyzers_says_what_their_ratios_rest_on(tmp_path: Path) -> None:
    from detectors.catalog import DETECTORS
    from detectors.loading import load

    said = run("analyzers", home=tmp_path)[1]
    ratios = {row.split("\t")[0]: row.split("\t")[2] for row in said.splitlines()}
    assert ratios["copy_move"] == "calibrated" and ratios["metadata"] == "assigned" and ratios["ela"] == "for the eye"
    cards = [load(name).card for name in DETECTORS.names()]
    assert (ratios["learned"] == "calibrated") == any(card.thresholds or card.clips for card in cards)


def test_cameras_are_enrolled_listed_and_removed(tmp_path: Path) -> None:
    from tests.make_media import prnu_pattern

    pattern = prnu_pattern(1, width=256, height=256, strength=0.03)
    photos = []
    for seed in range(6):
        photos.append(tmp_path / f"{seed}.jpg")
        photos[-1].write_bytes(jpeg(photo(seed, width=256, height=256, prnu=pattern), 97, subsampling=0))
    code, said, _ = run("camera", "enroll", "mine", *map(str, photos), home=tmp_path)
    assert code == 0 and "enrolled mine from 6 photos" in said
    assert run("camera", "list", home=tmp_path)[1].startswith("mine\t256 x 256\t6\t")
    assert run("camera", "remove", "mine", home=tmp_path)[0] == 0
    assert run("camera", "list", home=tmp_path)[:2] == (0, "")
    code, _, err = run("camera", "enroll", "mine", str(photos[0]), home=tmp_path)
    assert code == 2 and "at least 5 photos" in err
