"""Whatever analyzer, detector, generator or trainer is installed keeps the rules; a new one needs no new test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import get_args

import pytest

from detectors.catalog import DETECTORS
from forensics.analyzers import ANALYZERS
from forensics.conformance import check_analyzer, check_detector, check_generator
from generators.base import Generator
from generators.catalog import GENERATORS, Catalog
from generators.trainers import TRAINERS, RunSettings, Size, Trainer


@contextmanager
def missing_extra_skips() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        assert "pip install" in str(error), "a missing extra is named"
        pytest.skip(str(error))


def is_a_plain_sentence(text: str) -> bool:
    return text == " ".join(text.split()) and text[0].isupper() and text.endswith(".")


@pytest.mark.parametrize("name", ANALYZERS.names())
def test_every_analyzer_keeps_the_rules(name: str) -> None:
    kind = ANALYZERS.load(name)
    assert kind.name == name
    check_analyzer(kind)


@pytest.mark.parametrize("name", DETECTORS.names())
def test_every_detector_keeps_the_rules(name: str) -> None:
    with missing_extra_skips():
        kind = DETECTORS.load(name)
        check_detector(kind)
        assert kind().name == name


@pytest.mark.parametrize("name", GENERATORS.names())
def test_every_generator_keeps_the_rules(name: str) -> None:
    with missing_extra_skips():
        kind = GENERATORS.load(name)
        check_generator(kind)
        assert kind.name == name


@pytest.mark.parametrize("name", TRAINERS.names())
def test_every_trainer_has_settings_for_each_size_that_can_be_changed(name: str) -> None:
    with missing_extra_skips():
        trainer = TRAINERS.load(name)()
        assert trainer.name == name and trainer.min_pictures >= 1 and is_a_plain_sentence(trainer.about)
        for size in get_args(Size):
            settings = trainer.settings(size)
            assert isinstance(settings, RunSettings) and is_dataclass(settings)
            assert replace(settings, n_images=7, minutes=0.5).n_images == 7
            assert all(getattr(settings, field.name) is not None for field in fields(settings)), "each has a value"
            with pytest.raises(ValueError, match="n_images"):
                replace(settings, n_images=0)


@pytest.mark.parametrize("name", TRAINERS.names())
def test_every_trainer_refuses_what_it_cannot_learn_from(name: str, tmp_path: Path) -> None:
    with missing_extra_skips():
        trainer = TRAINERS.load(name)()
    settings = replace(trainer.settings("cpu"), n_images=1, device="cpu")
    with pytest.raises(FileNotFoundError):
        trainer.train([tmp_path / "nowhere"], tmp_path / "out", settings)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="found 0 usable"):
        trainer.train([tmp_path / "empty"], tmp_path / "out", settings)


@pytest.mark.parametrize("catalog", [GENERATORS, TRAINERS], ids=["generators", "trainers"])
def test_every_generator_and_trainer_has_its_own_words(catalog: Catalog[Generator] | Catalog[Trainer]) -> None:
    with missing_extra_skips():
        abouts = [catalog.load(name).about for name in catalog.names()]
        assert len(set(abouts)) == len(abouts)


@pytest.mark.parametrize("name", ANALYZERS.names())
def test_every_analyzer_has_its_own_words(name: str) -> None:
    kind = ANALYZERS.load(name)
    others = [ANALYZERS.load(other) for other in ANALYZERS.names() if other != name]
    assert kind.title not in [other.title for other in others]
    assert kind.about not in [other.about for other in others]
