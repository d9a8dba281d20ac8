"""What is declared is what is used: ranges, tested versions, and files that travel with the package."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.upkeep.documents import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
INSTALLED = (
    *PROJECT["dependencies"],
    *(text for extra in EXTRAS for text in EXTRAS[extra]),
)
REQUIRED = [Requirement(text) for text in INSTALLED]

OF_THE_MACHINE = ("nvidia-", "cuda-", "triton", "setuptools")
"""Beginnings of what PyTorch brings along for graphics cards, and what builds: other machines have others or none."""


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    parted = [line.partition("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): pinned for name, _, pinned in parted}


@pytest.mark.parametrize("requirement", REQUIRED, ids=str)
def test_the_tested_version_lies_in_the_range(requirement: Requirement) -> None:
    assert pins()[canonicalize_name(requirement.name)] in requirement.specifier


def test_every_constraint_is_one_exact_version() -> None:
    pattern = re.compile(r"#.*|[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+]*|")
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert pattern.fullmatch(line), line
    assert "unforged" not in pins()


def test_what_the_requirements_bring_along_is_pinned_too() -> None:
    waiting, seen = [requirement.name for requirement in REQUIRED], set[str]()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        waiting += [needed.name for needed in _needed(name)]
    assert {name for name in seen - {*pins()} if not name.startswith(OF_THE_MACHINE)} == set()


def test_an_extra_with_torch_begins_where_it_was_promised() -> None:
    (torch,) = (Requirement(text) for text in EXTRAS["learned"] if text.startswith("torch>"))
    assert "2.6" in torch.specifier and "2.5" not in torch.specifier


def _needed(name: str) -> list[Requirement]:
    from importlib.metadata import requires

    try:
        version(name)
    except PackageNotFoundError:
        return []
    found = [Requirement(text) for text in requires(name) or ()]
    return [r for r in found if r.marker is None or r.marker.evaluate({"extra": ""})]
