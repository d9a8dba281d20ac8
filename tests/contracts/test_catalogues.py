"""Each analyzer and detector that is installed keeps the rules: a new one is tested without writing a test."""

from __future__ import annotations

import pytest

from detectors.catalog import DETECTORS
from forensics.analyzers import ANALYZERS
from forensics.conformance import check_analyzer, check_detector


@pytest.mark.parametrize("name", ANALYZERS.names())
def test_every_analyzer_keeps_the_rules(name: str) -> None:
    kind = ANALYZERS.load(name)
    assert kind.name == name
    check_analyzer(kind)


@pytest.mark.parametrize("name", DETECTORS.names())
def test_every_detector_keeps_the_rules(name: str) -> None:
    try:
        kind = DETECTORS.load(name)
        check_detector(kind)
    except ImportError as error:
        assert "pip install" in str(error), "a missing extra is named"
        pytest.skip(str(error))
    assert kind().name == name


@pytest.mark.parametrize("name", ANALYZERS.names())
def test_every_analyzer_has_its_own_words(name: str) -> None:
    kind = ANALYZERS.load(name)
    others = [ANALYZERS.load(other) for other in ANALYZERS.names() if other != name]
    assert kind.title not in [other.title for other in others]
    assert kind.about not in [other.about for other in others]
