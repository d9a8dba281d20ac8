"""What the attribute editor is worth on faces that nothing was trained on, by a judge that was trained apart.

    python -m benchmarks.attributes --data DIR --weights DIR --judge FILE [--most N] [--sheet PNG] [--write]

The judge is a reader of age group and gender, wider than the one that ships and learned from the training part alone.
It never saw an edit, and no editor saw it. UTKFace has no numbers of persons, so one person's pictures may lie on both
sides. Read as the target by a small network is not the same as seen by people: look at the sheet. FD-lite0 compares
edits of one half of the held-out faces with the other half; the floor is that half unedited.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from generators.attributes.faces import Faces, read_faces
from generators.attributes.generator import STEM
from generators.attributes.labels import AGE_GROUPS, AS_IT_IS
from generators.attributes.networks import Editor, Reader, conditions_of, editor_from, name_loss
from generators.attributes.run import draw_edits, rate_at
from generators.attributes.settings import SIDE_PX, AttributeSettings
from generators.attributes.sheet import edit_sheet
from generators.checkpoints import load_state, save_state
from generators.gan.pixels import from_pixels
from generators.quality.distances import frechet_figure
from generators.quality.estimates import Figure, mean
from generators.quality.lite0 import embed
from generators.weights import load, save

JUDGE_WIDTH = 24
JUDGE_SEED = 77
N_JUDGE_IMAGES = 80_000
BATCH = 64

VISIBLE = 4 / 255
"""Mean change of a pixel below which nobody sees an edit."""


@dataclass(frozen=True, eq=False)
class Edits:
    """Edits of the held-out faces.

    Attributes:
        own, target, asked: (N, 2) classes as of `run.draw_edits`.
        faces, edited, back, same: (N, 3, S, S) -1..1: originals, edits, edits that were taken back, and faces asked
            to be what they are.
    """

    own: torch.Tensor
    target: torch.Tensor
    asked: torch.Tensor
    faces: torch.Tensor
    edited: torch.Tensor
    back: torch.Tensor
    same: torch.Tensor


def train_judge(faces: Faces, path: Path, n_images: int = N_JUDGE_IMAGES) -> Reader:
    """The judge, read from `path` if it is there and trained otherwise."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(JUDGE_SEED)
        judge = Reader(JUDGE_WIDTH).to(memory_format=torch.channels_last)
    if path.exists():
        judge.load_state_dict(load_state(path)["judge"])
        return judge.eval()
    random = torch.Generator().manual_seed(JUDGE_SEED)
    steps = torch.optim.AdamW(judge.parameters(), lr=1e-3, weight_decay=0.02)
    pixels, classes = torch.from_numpy(faces.pixels), torch.from_numpy(faces.classes)
    weights = torch.from_numpy(faces.weights)
    for seen in range(0, n_images, BATCH):
        for group in steps.param_groups:
            group["lr"] = 1e-3 * max(rate_at(seen / n_images, 0.7), 1e-3)
        chosen = torch.multinomial(weights, BATCH, replacement=True, generator=random)
        mirrored = torch.rand(BATCH, 1, 1, 1, generator=random) < 0.5
        images = from_pixels(pixels[chosen])
        with torch.autocast("cpu", torch.bfloat16):
            named = judge(torch.where(mirrored, images.flip(3), images))
        steps.zero_grad(set_to_none=True)
        torch.autograd.backward(name_loss(named, classes[chosen]))
        steps.step()
    save_state(path, {"judge": judge.state_dict()})
    return judge.eval()


def edits_of(editor: Editor, faces: Faces, seed: int = 1) -> Edits:
    """One edit of each face, drawn as in training."""
    own = torch.from_numpy(faces.classes)
    target, asked = draw_edits(own, torch.Generator().manual_seed(seed))
    images = from_pixels(faces.pixels)
    edited = _through(editor, images, asked)
    back = _through(editor, edited, own.masked_fill(asked == AS_IT_IS, AS_IT_IS))
    return Edits(own, target, asked, images, edited, back, _through(editor, images, own))


def measure(edits: Edits, judge: Reader, n_distance: int) -> dict[str, Figure]:
    """All figures.

    Args:
        edits: of held-out faces.
        judge: see `train_judge`.
        n_distance: faces of each half that FD-lite0 and the search for originals rest on.
    """
    rng = np.random.default_rng(5)
    before, after = _read(judge, edits.faces), _read(judge, edits.edited)
    own, target, asked = edits.own.numpy(), edits.target.numpy(), edits.asked.numpy() != AS_IT_IS
    age, gender = asked.T
    samples: dict[str, NDArray[Any]] = {
        "judge, unedited faces, gender right": before[:, 1] == own[:, 1],
        "judge, unedited faces, age group right": before[:, 0] == own[:, 0],
        "judge, unedited faces, age group right or next to it": abs(before[:, 0] - own[:, 0]) <= 1,
        "edits of gender read as the target": (after == target)[gender, 1],
        "the same faces unedited": (before == target)[gender, 1],
        "edits of age read as the target": (after == target)[age, 0],
        "edits of age read as the target or next to it": abs(after - target)[age, 0] <= 1,
        "the same faces unedited, age": (before == target)[age, 0],
        "edits of age alone, gender read as before": (after == before)[age & ~gender, 1],
        "edits of gender alone, age group read as before": (after == before)[gender & ~age, 0],
    }
    steps = (edits.edited - edits.faces).abs().mean(dim=(1, 2, 3)).numpy() / 2
    samples["edits with a visible change (4 steps of 255 in the mean)"] = steps >= VISIBLE
    samples["change, steps of 255"] = steps * 255
    for name, images in (("taken back", edits.back), ("asked to stay", edits.same)):
        samples[f"{name}, distance to the original, steps of 255"] = (
            (images - edits.faces).abs().mean(dim=(1, 2, 3)).numpy() / 2 * 255
        )
    for i, group in enumerate(AGE_GROUPS):
        samples[f"edits to {group} read as that"] = (after == target)[age & (target[:, 0] == i), 0]
    figures = {name: mean(np.asarray(values, np.float64), rng) for name, values in samples.items()}
    return figures | _distances(edits, n_distance, rng)


def _distances(edits: Edits, n: int, rng: np.random.Generator) -> dict[str, Figure]:
    n = min(n, len(edits.faces) // 2)
    originals, others, edited = (
        embed(_pixels(x))[0] for x in (edits.faces[:n], edits.faces[n : 2 * n], edits.edited[:n])
    )
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (edited, originals)]
    nearest = (unit[0] @ unit[1].T).argmax(axis=1)
    return {
        "FD-lite0, edits of one half against the other": frechet_figure(edited, others, rng),
        "FD-lite0, the floor between the halves": frechet_figure(originals, others, rng),
        f"nearest of {n} originals in Lite0 features is the edit's own": mean(1.0 * (nearest == np.arange(n)), rng),
    }


def _through(editor: Editor, images: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        parts = zip(torch.split(images, BATCH), torch.split(asked, BATCH), strict=True)
        return torch.cat([editor(part, conditions_of(wanted))[0] for part, wanted in parts])


def _read(judge: Reader, images: torch.Tensor) -> NDArray[np.int64]:
    with torch.inference_mode():
        named = torch.cat([judge(part) for part in torch.split(images, BATCH)])
    ages, genders = named[:, : len(AGE_GROUPS)].argmax(1), named[:, len(AGE_GROUPS) :].argmax(1)
    return torch.stack([ages, genders], dim=1).numpy()


def _pixels(images: torch.Tensor) -> NDArray[np.uint8]:
    return ((images + 1) * 127.5).round().byte().permute(0, 2, 3, 1).contiguous().numpy()


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description="Measure the attribute editor on held-out faces.")
    cli.add_argument("--data", type=Path, nargs="+", required=True)
    cli.add_argument("--weights", type=Path, required=True, help="folder of weights and card")
    cli.add_argument("--judge", type=Path, required=True, help="trained and written if it is not there")
    cli.add_argument("--most", type=int, default=2_000, help="held-out faces")
    cli.add_argument("--distance", type=int, default=1_000, help="faces of each half for FD-lite0")
    cli.add_argument("--sheet", type=Path, help="edits of the first held-out faces; not to be published")
    cli.add_argument("--write", type=Path, help="folder that weights and a card with these figures go into")
    arguments = cli.parse_args()
    seen, held = read_faces(arguments.data, SIDE_PX, n_held_out=AttributeSettings().held_out)
    # Sorted by name is sorted by age: halves must be drawn.
    chosen = np.random.default_rng(0).permutation(len(held))[: arguments.most]
    held = replace(held, pixels=held.pixels[chosen], classes=held.classes[chosen])
    judge = train_judge(seen, arguments.judge)
    tensors, card = load(STEM, arguments.weights)
    editor = editor_from(tensors)
    if arguments.sheet is not None:
        Image.fromarray(edit_sheet(editor, from_pixels(held.pixels[:16]))).save(arguments.sheet)
    figures = measure(edits_of(editor, held), judge, arguments.distance)
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    if arguments.write is not None:
        measures: dict[str, float] = {}
        for name, figure in figures.items():
            key = f"held-out UTKFace, n = {figure.n}: {name}"
            measures |= {key: round(figure.value, 4), f"{key}, low": round(figure.low, 4)}
            measures[f"{key}, high"] = round(figure.high, 4)
        save(tensors, replace(card, measures=measures), arguments.write)


if __name__ == "__main__":
    main()
