"""Documents cannot rot: commands in them are typed, links are followed, tables are compared with the code."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

from forensics import __version__
from forensics.analyzers import ANALYZERS
from forensics.cli import COMMANDS
from tests.make_media import jpeg, photo, prnu_pattern
from tests.upkeep.documents import ROOT, Command, anchor, blocks, commands, headings, languages, links, pages, table

README = ROOT / "README.md"
BY_NAME = {str(page.relative_to(ROOT)): page for page in pages()}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder as the reader of a page has it: suspect.jpg, reference photos and a folder with more."""
    desk = tmp_path / "desk"
    desk.mkdir()
    (desk / "holiday").mkdir()
    (desk / "suspect.jpg").write_bytes(jpeg(photo(1, width=192, height=144)))
    for seed in (2, 3):
        (desk / "holiday" / f"{seed}.jpg").write_bytes(jpeg(photo(seed, width=192, height=144)))
    (desk / "reference").mkdir()
    sensor = prnu_pattern(1, width=256, height=256, strength=0.03)
    for seed in range(4, 10):
        shot = photo(seed, width=256, height=256, prnu=sensor)
        (desk / "reference" / f"{seed}.jpg").write_bytes(jpeg(shot, 97, subsampling=0))
    return desk


def environment(desk: Path) -> dict[str, str]:
    own = Path(sys.executable).parent
    assert shutil.which("unforged", path=str(own)), "the command is installed beside the Python that runs the tests"
    settings = {"XDG_DATA_HOME": str(desk / "data"), "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    return os.environ | settings | {"PATH": f"{own}{os.pathsep}{os.environ['PATH']}"}


def typed(command: Command, desk: Path) -> subprocess.CompletedProcess[str]:
    """Run a line as it stands; make and benchmarks, which take minutes or data sets, are only looked up."""
    words = shlex.split(command.line)
    line, folder = command.line, desk
    if words[0] == "make":
        line, folder = shlex.join([words[0], "--dry-run", *words[1:]]), ROOT
    elif words[:2] == ["python", "-m"] and words[2].startswith("benchmarks."):
        line, folder = shlex.join([*words[:3], "--help"]), ROOT
    return subprocess.run(
        line, shell=True, executable="/bin/bash", cwd=folder, env=environment(desk), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("page", [name for name, page in BY_NAME.items() if commands(page)])
def test_every_command_in_the_documents_runs(page: str, desk: Path) -> None:
    for command in commands(BY_NAME[page]):
        done = typed(command, desk)
        # 1 is an answer of a scan, not a failure; wrong use is 2 and unreadable input 3.
        assert done.returncode in ((0, 1) if " scan " in command.line else (0,)), f"{command.line}: {done.stderr}"
        assert "Traceback" not in done.stderr
        for line in command.shown:
            assert line in done.stdout.splitlines(), f"{command.line} says something else"
        for option in re.findall(r"--[a-z-]+", command.line) if "benchmarks." in command.line else ():
            assert option in done.stdout, f"{option} is no option of it"


@pytest.mark.parametrize("page", [name for name, page in BY_NAME.items() if blocks(page, "python")])
def test_the_python_in_the_documents_runs(page: str, desk: Path) -> None:
    program = "\n".join(blocks(BY_NAME[page], "python"))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=desk, env=environment(desk), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", BY_NAME)
def test_no_block_escapes_the_tests(page: str) -> None:
    assert languages(BY_NAME[page]) <= {"console", "python", "toml", "json", "text"}


@pytest.mark.parametrize("page", BY_NAME)
def test_links_lead_somewhere(page: str) -> None:
    for link in links(BY_NAME[page]):
        if "://" in link or link.startswith("mailto:"):
            continue
        place, _, part = unquote(link).partition("#")
        target = (BY_NAME[page].parent / place).resolve() if place else BY_NAME[page]
        assert target.exists(), f"{page} links to {link}, which is not there"
        assert target.is_relative_to(ROOT), f"{page} links to {link}, outside of the project"
        if part:
            assert part in map(anchor, headings(target)), f"{page} links to {link}, a heading that is not there"


@pytest.mark.parametrize("page", [name for name in BY_NAME if name != "README.md"])
def test_every_page_can_be_reached_from_the_readme(page: str) -> None:
    reached, waiting = {README}, [README]
    while waiting:
        here = waiting.pop()
        there = {(here.parent / link.partition("#")[0]).resolve() for link in links(here) if ".md" in link} - reached
        reached |= there
        waiting += [target for target in there if target.is_file()]
    assert BY_NAME[page] in reached


def test_the_readme_lists_the_analyzers_that_there_are() -> None:
    assert [row[0].strip("`") for row in table(README, "analyzer")] == list(ANALYZERS.names())


def test_the_page_on_analyzers_has_a_part_for_each() -> None:
    parts = [
        found[1] for heading in headings(ROOT / "docs" / "analyzers.md") if (found := re.match(r"`(\w+)`", heading))
    ]
    assert parts == list(ANALYZERS.names())


@pytest.mark.parametrize("arguments", [(), ("scan",)])
def test_exit_codes_are_told_alike_by_the_readme_and_by_help(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forensics.cli", *arguments, "--help"], capture_output=True, text=True, check=True
    )
    told = re.findall(r"^ +(\d+)  ", done.stdout.partition("Exit codes:")[2], re.MULTILINE)
    assert [row[0] for row in table(README, "code")] == told


def test_every_subcommand_is_told_of_in_the_documents() -> None:
    everything = "".join(page.read_text(encoding="utf-8") for page in pages())
    assert not [name for name in COMMANDS if f"unforged {name}" not in everything]


def test_the_changelog_begins_with_what_is_not_released_yet() -> None:
    parts = [heading for heading in headings(ROOT / "CHANGELOG.md") if heading != "Changelog"]
    assert parts[0] == "Unreleased"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__


def test_the_check_runs_linters_types_and_floors() -> None:
    make = ["make", "--dry-run", "--always-make", "check"]
    done = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(tool in done.stdout for tool in ("ruff check", "ruff format --check", "mypy", "lint-imports"))
    runs = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^make .* (\w+)$", runs, re.MULTILINE) == ["check", "test"]
