"""A discriminator that a training run left behind judges pictures as it did in the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")

from detectors.loading import load  # noqa: E402
from detectors.outside.adding import Given  # noqa: E402
from detectors.outside.discriminator import of_run  # noqa: E402
from forensics.cli import main  # noqa: E402
from generators.checkpoints import save_state  # noqa: E402
from generators.gan.pixels import from_pixels  # noqa: E402
from generators.gan.running import Run  # noqa: E402
from generators.gan.settings import GanSettings  # noqa: E402
from generators.runs import CHECKPOINT  # noqa: E402
from tests.make_media import photo  # noqa: E402

TINY = GanSettings(
    n_images=64,
    batch_size=8,
    side_px=32,
    latent=8,
    g_channels=(8, 8, 8),
    g_tail=4,
    d_channels=(8, 8, 8),
    d_deep=1,
    precision="32-true",
    device="cpu",
    n_between_evaluations=10**6,
)


def test_the_discriminator_of_a_run_judges_as_it_did_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    run = Run(rng.integers(0, 256, (32, 32, 32, 3), np.uint8), tmp_path / "tiny-run", TINY)
    run.play()
    models = tmp_path / "models"
    assert main(["models", "add", str(tmp_path / "tiny-run"), "--discriminator", "--models", str(models)]) == 0
    assert "tiny-run-discriminator" in capsys.readouterr().out
    pixels = photo(1, width=32, height=32)
    judge = run.game._judge.eval()
    with torch.inference_mode():
        real = torch.sigmoid(judge(from_pixels(pixels[None]))[0])
    detector = load("tiny-run-discriminator", models)
    assert detector.score([pixels]).fake[0] == pytest.approx(1 - float(real), abs=1e-5)
    assert "after 64 pictures" in str(detector.card.settings["origin"]) and "32 pixels" in detector.card.limits
    assert detector.score([photo(2, width=96, height=64)]).llr is None


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    save_state(tmp_path / CHECKPOINT, {"settings": {"side_px": 32}, "network": {"w": torch.zeros(2)}})
    with pytest.raises(ValueError, match="no training run of a GAN"):
        of_run(tmp_path, Given())
    with pytest.raises(FileNotFoundError):
        of_run(tmp_path / "nowhere", Given())
