"""Make the face finder of the zoo from the weights in the wheel of facenet-pytorch, and measure what float16 changes.

    python benchmarks/import_mtcnn.py --pictures FOLDER --out generators/zoo

The wheel of facenet-pytorch 2.5.3 (MIT) holds the three networks of the authors as files of PyTorch, which are pickles:
they are taken apart here without running them. The package must be installed, it is not imported.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.torch_files import read_tensors
from generators import mtcnn
from generators.decoding import read_pixels
from generators.launder import Fit
from generators.picture_folder import find_pictures
from generators.weights import ModelCard, save

LONGER_SIDE_PX, MIN_FACE_PX = 720, 40
"""Of the pictures, and of the faces looked for in them."""
HALVED = ("rnet.", "onet.")
"""Stored in float16. The first network chooses what is looked at, and a different choice is another box."""
CLOSE_PX = 0.5
"""What no later step can tell apart."""


def tensors() -> dict[str, NDArray[np.float32]]:
    """Weights in the order of the layers, `<network>.<number>`.

    Raises:
        SystemExit: facenet-pytorch is not installed.
    """
    found = find_spec("facenet_pytorch")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("facenet-pytorch is not installed")
    folder = Path(found.submodule_search_locations[0]) / "data"
    return {
        f"{name}.{number:02}": values.astype(np.float32)
        for name in mtcnn.TRUNKS
        for number, values in enumerate(read_tensors(folder / f"{name}.pt").values())
    }


def compared(exact: dict[str, NDArray[Any]], stored: dict[str, NDArray[Any]], folder: Path) -> dict[str, float]:
    """What the networks find with weights of either kind."""
    pictures = [Fit(LONGER_SIDE_PX)(read_pixels(path)) for path in find_pictures([folder])]
    ways = [mtcnn.stages(weights) for weights in (exact, stored)]
    pairs = [[mtcnn.detect(pixels, MIN_FACE_PX, networks=way) for way in ways] for pixels in pictures]
    same = [pair for pair in pairs if len(pair[0][0]) == len(pair[1][0])]
    moved = [
        max(float(np.abs(a[face] - b[face]).max()) for a, b in zip(*pair, strict=True))
        for pair in same
        for face in range(len(pair[0][0]))
    ]
    close = float(np.sum(np.array(moved) < CLOSE_PX))
    return {
        f"pictures with as many faces as in float32, of {len(pairs)}": float(len(same)),
        f"faces with all edges and points within {CLOSE_PX} pixels, of {len(moved)}": close,
        "difference of the middle face in pixels": round(float(np.median(moved)), 4),
    }


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--pictures", type=Path, required=True)
    cli.add_argument("--out", type=Path, required=True)
    args = cli.parse_args()
    exact = tensors()
    stored = {name: values.astype(np.float16) if name.startswith(HALVED) else values for name, values in exact.items()}
    name, _, version = mtcnn.STEM.rpartition("-")
    card = ModelCard(
        name=name,
        version=version,
        task="A picture in, boxes around its faces with the places of eyes, nose and mouth out.",
        settings={"networks": len(mtcnn.TRUNKS), "storage": "float32, after the first network float16"},
        data={"WIDER FACE": 32_203, "CelebA": 202_599},
        measures=compared(exact, stored, args.pictures),
        limits="Not trained by this project: the authors', as facenet-pytorch 2.5.3 has them. Of the sets "
        "they name, counted whole here, they took parts. It finds upright faces.",
        licence="MIT (facenet-pytorch; Zhang et al. 2016)",
    )
    written = save(stored, card, args.out)
    print(f"{written.stem}: {written.sha256}")


if __name__ == "__main__":
    main()
