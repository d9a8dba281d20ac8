"""Trains the preset `attributes`: reads labelled faces, runs, saves, rolls back from NaN, and writes the weights."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from generators.attributes.faces import Faces, read_faces
from generators.attributes.labels import AGE_GROUPS, GENDERS
from generators.attributes.run import Run
from generators.attributes.settings import AttributeSettings, attribute_settings
from generators.attributes.sheet import edit_sheet
from generators.checkpoints import load_state, save_state
from generators.gan.pixels import from_pixels
from generators.picture_folder import skipped_words
from generators.quality.sheets import write_sheet
from generators.runs import CHECKPOINT, check_folder, launch
from generators.trainers import Progress, RunSettings, Size
from generators.weights import ModelCard, save

LOG = "log.jsonl"

N_SHOWN = 12
"""Faces of the training part on a sheet."""

TASK = "A face and an age group, a gender or both in; the same face with that changed out."

LICENCE = "Research use only: learned from UTKFace, whose pictures are for non-commercial research."

LIMITS = (
    "Made for aligned frontal faces like UTKFace's; works at 64 pixels, larger faces get the enlarged change. Changes "
    "what goes with an attribute in UTKFace (hair colour, make-up, beard, skin), not the shape of hair or head. Age "
    "groups and two genders are annotators' readings of pictures, uneven across origins; no statement about a person."
)


class AttributesTrainer:
    """See `generators.trainers.Trainer`."""

    name: ClassVar[str] = "attributes"
    about: ClassVar[str] = "Edits faces in age and gender; learns from pictures named age_gender_race_date."
    min_pictures: ClassVar[int] = 200

    def settings(self, size: Size) -> AttributeSettings:
        """The preset's settings for a processor or a graphics card."""
        return attribute_settings(size)

    def train(
        self,
        folders: Sequence[Path],
        out: Path,
        settings: RunSettings,
        *,
        resume: bool = False,
        report: Callable[[Progress], None] | None = None,
    ) -> ModelCard:
        """See `generators.trainers.Trainer.train`.

        Raises:
            TypeError: the settings are another trainer's.
            Diverged: losses were no numbers time and again.
        """
        if not isinstance(settings, AttributeSettings):
            raise TypeError(f"the editor is trained by AttributeSettings, not {type(settings).__name__}")
        check_folder(out, resume)
        state = load_state(out / CHECKPOINT) if resume else None
        faces, kept = read_faces(
            folders, settings.side_px, n_held_out=settings.held_out, min_pictures=self.min_pictures
        )
        if report is not None:
            used = f"{len(faces)} faces to learn from, {len(kept)} held out{skipped_words(faces.skipped)}"
            report(Progress(0, settings.n_images, 0.0, used))
        run = Run(faces, settings, launch(settings))
        if state is not None:
            run.resume(state)
        keep_going(run, out, faces, report=report)
        return ship(run, out, faces)


def keep_going(run: Run, out: Path, faces: Faces, *, report: Callable[[Progress], None] | None = None) -> None:
    """Train until `n_images` were seen or `minutes` have passed; checkpoint, log line and sheet at every save.

    Args:
        run: fresh or loaded.
        out: folder of checkpoint, log and sheets.
        faces: of which a dozen are on the sheets.
        report: called at every save.

    Raises:
        Diverged: losses were no numbers time and again; the checkpoint is the last good one.
        OSError: disk full; the checkpoint is the last one that was written.
    """
    settings, start, n_start = run.settings, time.monotonic(), run.n_seen
    recent: list[dict[str, float]] = []
    if n_start == 0:
        _save(run, out, faces, {})
    n_saved = n_start
    while run.n_seen < settings.n_images:
        losses = run.step()
        if _broken(run.fabric, losses):
            run.roll_back(load_state(out / CHECKPOINT))
            recent.clear()
            continue
        recent.append(losses)
        passed_s = time.monotonic() - start
        over = run.n_seen >= settings.n_images or 0 < settings.minutes * 60 <= passed_s
        if over or run.n_seen - n_saved >= settings.n_between_saves:
            means = {name: round(sum(step[name] for step in recent) / len(recent), 5) for name in losses}
            per_second = (run.n_seen - n_start) / max(passed_s, 1e-9)
            _save(run, out, faces, means | {"per_second": round(per_second, 1)})
            if report is not None:
                note = f"cycle {means['cycle']:.3f}, change {means['change']:.3f}"
                report(Progress(run.n_seen, settings.n_images, per_second, note))
            recent.clear()
            n_saved = run.n_seen
        if over:
            return


def ship(run: Run, out: Path, faces: Faces) -> ModelCard:
    """Write the averaged editor and the reader in half precision with their card."""
    tensors: dict[str, NDArray[Any]] = {}
    for part, network in (("editor", run.average), ("reader", run.reader)):
        for name, value in network.state_dict().items():
            tensors[f"{part}.{name}"] = value.detach().cpu().contiguous().numpy().astype(np.float16)
    card = ModelCard(
        name="attributes",
        version="1",
        task=TASK,
        data=_counts(faces),
        settings=asdict(run.settings)
        | {"n_seen": run.n_seen, "n_rollbacks": run.n_rollbacks, "n_resumes": run.n_resumes},
        limits=LIMITS,
        licence=LICENCE,
    )
    return save(tensors, card, out)


def _counts(faces: Faces) -> dict[str, int]:
    pairs = [(g, a) for g in range(len(GENDERS)) for a in range(len(AGE_GROUPS))]
    counts = {p: int(((faces.classes[:, 0] == p[1]) & (faces.classes[:, 1] == p[0])).sum()) for p in pairs}
    return {f"{GENDERS[g]} {AGE_GROUPS[a]}": n for (g, a), n in counts.items()}


def _broken(fabric: Any, losses: dict[str, float]) -> bool:
    """Whether any process has a loss that is no number; all must turn back together."""
    broken = not all(math.isfinite(value) for value in losses.values())
    if fabric.world_size == 1:
        return broken
    return bool(fabric.all_reduce(torch.tensor(float(broken), device=fabric.device), reduce_op="sum") > 0)


def _save(run: Run, out: Path, faces: Faces, means: dict[str, float]) -> None:
    if run.fabric.global_rank != 0:
        return
    save_state(out / CHECKPOINT, run.state())
    with (out / LOG).open("a", encoding="utf-8") as log:
        log.write(json.dumps({"n_seen": run.n_seen, "n_rollbacks": run.n_rollbacks, **means}) + "\n")
    shown = np.linspace(0, len(faces) - 1, N_SHOWN).astype(int)
    images = from_pixels(faces.pixels[shown]).to(run.fabric.device)
    write_sheet(out / f"sheet-{run.n_seen:08d}.png", edit_sheet(run.average, images))
