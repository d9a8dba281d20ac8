"""unforged generate train: settings are printed and changed by name, and a stopped run is told how to go on."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import click
import pytest

from forensics.cli import main
from forensics.cli.generate_train import changed
from generators import processor
from generators.picture_folder import read_folders
from generators.trainers import FLOAT, HALF, TRAINERS, Progress, RunSettings, Size
from generators.weights import ModelCard


@dataclass(frozen=True)
class OwnSettings(RunSettings):
    channels: tuple[int, ...] = (64, 32)
    rate: float = 0.1
    mirror: bool = True
    loss: Literal["hinge", "softplus"] = "hinge"


class Standing:
    """Stands for a trainer: reports, and fails as it is told by a word in its notes."""

    name: ClassVar[str] = "standing"
    about: ClassVar[str] = "Learns nothing."
    min_pictures: ClassVar[int] = 1
    calls: ClassVar[list[tuple[Sequence[Path], Path, RunSettings, bool]]] = []
    failure: ClassVar[BaseException | None] = None

    def settings(self, size: Size) -> OwnSettings:
        return OwnSettings(batch_size=8 if size == "cpu" else 256)

    def train(
        self,
        folders: Sequence[Path],
        out: Path,
        settings: RunSettings,
        *,
        resume: bool = False,
        report: Callable[[Progress], None] | None = None,
    ) -> ModelCard:
        read_folders(folders, settings.side_px, min_pictures=self.min_pictures)
        self.calls.append((folders, out, settings, resume))
        assert report is not None
        report(Progress(600, 1200, 10.0))
        report(Progress(900, 1200, 10.0))
        report(Progress(1200, 1200, 10.0, "one side wins for good"))
        if self.failure is not None:
            raise self.failure
        return ModelCard("standing", "1", "none", measures={"FD-lite0": 1.25})


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TRAINERS, "places", lambda: {"standing": f"{__name__}:Standing"})
    monkeypatch.setattr(Standing, "calls", [])


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    from PIL import Image

    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (80, 80), "red").save(tmp_path / "pictures" / "1.png")
    return tmp_path / "pictures"


def run(*arguments: object) -> int:
    return main(["generate", "train", *map(str, arguments)])


def test_a_dry_run_prints_every_setting_as_it_would_be_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("standing", "--dry-run", "--images", 500, "--set", "channels=8,4", "--set", "mirror=no") == 0
    printed = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert printed.items() >= {"n_images": "500", "channels": "8,4", "mirror": "no", "batch_size": "8"}.items()
    assert set(printed) == set(OwnSettings.__dataclass_fields__) and Standing.calls == []


def test_what_a_dry_run_prints_can_be_set_again(capsys: pytest.CaptureFixture[str]) -> None:
    settings = OwnSettings(channels=(1, 2), rate=3e-4, mirror=False, loss="softplus", minutes=2.5, device="cpu")
    run("standing", "--dry-run", *(w for k in vars(settings) for w in ("--set", f"{k}={told(getattr(settings, k))}")))
    lines = capsys.readouterr().out.splitlines()
    assert changed(OwnSettings(), tuple(line.replace("\t", "=") for line in lines)) == settings


@pytest.mark.parametrize(
    ("settings", "changes", "expected"),
    [
        (OwnSettings(device="cuda"), ("device=cpu",), FLOAT),
        (OwnSettings(device="cpu", precision=FLOAT), ("device=cuda",), HALF),
        (OwnSettings(device="cuda"), ("rate=1",), HALF),
        (OwnSettings(device="cuda"), ("device=cpu", f"precision={HALF}"), HALF),
        (OwnSettings(device="cuda", precision="64-true"), ("device=cpu",), "64-true"),
    ],
)
def test_another_device_takes_its_own_precision_where_none_was_chosen(
    monkeypatch: pytest.MonkeyPatch, settings: OwnSettings, changes: tuple[str, ...], expected: str
) -> None:
    monkeypatch.setattr(processor, "multiplies_bfloat16", lambda: False)
    assert changed(settings, changes).precision == expected


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("latent=0", "latent must be at least 1, not 0"),
        ("g_tail=-4", "g_tail must be at least 1"),
        ("penalty_every=0", "penalty_every must be at least 1"),
        ("n_quality=19", "n_quality must be at least 20"),
        ("seed=-1", "seed must be at least 0"),
        ("learning_rate=nan", "learning_rate must be finite, not nan"),
        ("learning_rate=0", "learning_rate must be above 0"),
        ("minutes=inf", "minutes must be finite"),
        ("critic_weight=-0.5", "critic_weight must be at least 0"),
        ("share_falling=1.5", "share_falling must lie within 0 and 1"),
        ("g_channels=8,0,8,8", "g_channels must be at least 1 each"),
        ("d_channels=", "d_channels must be at least 1 each"),
    ],
)
def test_a_setting_of_a_preset_that_is_out_of_its_range_is_one_line_before_anything_is_read(
    change: str, complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(TRAINERS, "places", lambda: {"face-64": "generators.gan.presets:Face64Trainer"})
    assert run("face-64", "--dry-run", "--set", change) == 2
    said = capsys.readouterr()
    assert complaint in said.err and not said.out and "Traceback" not in said.err


WITHOUT_TORCH = """
import sys
for name in ("torch", "torchvision", "facenet_pytorch", "lightning_fabric", "timm"):
    sys.modules[name] = None
from forensics.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_without_the_extra_settings_can_be_seen_and_training_says_what_to_install(pictures: Path) -> None:
    train = ("generate", "train", "face-64", "--data", str(pictures), "--out", str(pictures.parent / "out"))
    command = [sys.executable, "-c", WITHOUT_TORCH, *train, "--set", "side_px=16"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    (said,) = refused.stderr.splitlines()
    assert refused.returncode == 2 and said.endswith("install the extra: pip install 'unforged[learned]'")
    shown = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, check=True)
    assert "side_px\t16" in shown.stdout.splitlines()


def told(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def test_presets_are_listed_and_one_that_lacks_something_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(TRAINERS, "places", lambda: {"standing": f"{__name__}:Standing", "gone": "no_such_module:X"})
    assert main(["generate", "list", "--presets"]) == 0
    standing, gone = (row.split("\t") for row in capsys.readouterr().out.splitlines())
    assert standing == ["standing", "1", "Learns nothing."]
    assert gone[0] == "gone" and gone[2].startswith("not available: ")


def test_the_size_decides_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    run("standing", "--dry-run", "--size", "gpu")
    assert "batch_size\t256" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("n_images", "got 'n_images'"),
        ("nonsense=1", "with a key of n_images, batch_size"),
        ("n_images=many", "n_images wants a whole number, not 'many'"),
        ("n_images=1.5", "n_images wants a whole number, not '1.5'"),
        ("n_images=0", "n_images must be at least 1, not 0"),
        ("rate=fast", "rate wants a number"),
        ("mirror=perhaps", "mirror wants yes or no"),
        ("loss=l2", "loss wants one of hinge, softplus"),
        ("channels=8,wide", "channels wants a whole number, or several parted by commas"),
    ],
)
def test_a_setting_that_is_none_is_refused_with_what_was_wanted(change: str, said: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        changed(OwnSettings(), (change,))
    assert said in str(caught.value)


def test_a_run_gets_folders_settings_and_place_and_says_what_came_of_it(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run("standing", "--data", pictures, "--out", out, "--minutes", 3, "--resume") == 0
    ((folders, given, settings, resume),) = Standing.calls
    assert (list(folders), given, settings.minutes, resume) == ([pictures], out, 3.0, True)
    said = capsys.readouterr()
    assert said.out.splitlines() == ["FD-lite0\t1.25", f"written\t{out / 'standing-1.safetensors'}"]
    # In a pipe: the first word at once, then one a minute, and whatever is worth saying.
    assert said.err.splitlines() == [
        "600 of 1,200 pictures, 10 a second, 1 min left",
        "1,200 of 1,200 pictures, 10 a second, 0 min left: one side wins for good",
    ]


def test_a_terminal_gets_a_bar_with_rate_and_time_left(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    assert run("standing", "--data", pictures, "--out", tmp_path / "out") == 0
    said = capsys.readouterr().err
    assert "1,200 of 1,200 pictures" in said and "10 a second" in said and "0:00:00" in said
    assert "one side wins for good" in said


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted; the last checkpoint is kept, the same command with --resume"),
        (OSError(errno.ENOSPC, "No space left on device", "x"), 2, "error: No space left on device: x; the last"),
        (MemoryError(), 2, "no memory is left; the last checkpoint is kept"),
        (RuntimeError("CUDA out of memory. Tried"), 2, "Tried; the last checkpoint is kept"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 12"), 2, "12; the last checkpoint is kept"),
        (ValueError("other settings"), 2, "unforged: error: other settings"),
    ],
)
def test_a_run_that_ends_early_is_one_line(
    failure: BaseException,
    code: int,
    said: str,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Standing, "failure", failure)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"")
    assert run("standing", "--data", pictures, "--out", tmp_path) == code
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), MemoryError()])
def test_a_run_that_ends_before_its_first_save_promises_nothing(
    failure: BaseException,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Standing, "failure", failure)
    run("standing", "--data", pictures, "--out", tmp_path)
    assert "no checkpoint had been written yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsense",), "there is no preset 'nonsense'; there is standing"),
        (("standing",), "--data DIR says where the pictures are"),
        (("standing", "--data", "/nowhere"), "there is no such folder: /nowhere"),
        (("standing", "--images", "0"), "0 is not in the range"),
    ],
)
def test_wrong_use_is_one_clear_line_and_code_2(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("unforged: error: ") and said in line
