"""Small networks as others hand them on: an ONNX graph that can be reckoned by hand, a hub's folder of a tiny ViT."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np


def red_graph(*, side: int | None = 8, gain: float = 6.0) -> Any:
    """An ONNX model: outputs (fake, real) = gain * (mean of red, mean of green), for prepared pictures (N, 3, S, S)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = np.array([[gain, 0], [0, gain], [0, 0]], np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["scores"]),
    ]
    sides = [side, side] if side else ["h", "w"]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, *sides])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 2])
    graph = helper.make_graph(nodes, "red", [pixels], [scores], [numpy_helper.from_array(weight, "weight")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def tiny_vit(*, side: int = 32, n_outputs: int = 2, seed: int = 3) -> Any:
    """A ViT of timm with two blocks and large random weights, so that pictures give different outputs."""
    import torch
    from timm.models.vision_transformer import VisionTransformer

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = VisionTransformer(
            img_size=side,
            patch_size=8,
            embed_dim=16,
            depth=2,
            num_heads=2,
            num_classes=n_outputs,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-12),
        )
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.4)
    return network.eval()


def write_hub_folder(network: Any, folder: Path, labels: Sequence[str] = ("Realism", "Deepfake")) -> None:
    """Write a tiny ViT the way the transformers library does: its names, its config, its preprocessor."""
    from safetensors.torch import save_file

    outer = {
        "cls_token": "vit.embeddings.cls_token",
        "pos_embed": "vit.embeddings.position_embeddings",
        "patch_embed.proj": "vit.embeddings.patch_embeddings.projection",
        "norm": "vit.layernorm",
        "head": "classifier",
    }
    inner = {
        "norm1": "layernorm_before",
        "norm2": "layernorm_after",
        "attn.proj": "attention.output.dense",
        "mlp.fc1": "intermediate.dense",
        "mlp.fc2": "output.dense",
    }
    tensors = {}
    for name, tensor in network.state_dict().items():
        stem, _, kind = name.rpartition(".")
        if found := re.fullmatch(r"blocks\.(\d+)\.(.*)", stem):
            block = f"vit.encoder.layer.{found[1]}"
            if found[2] == "attn.qkv":
                for part, chunk in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                    tensors[f"{block}.attention.attention.{part}.{kind}"] = chunk.clone()
            else:
                tensors[f"{block}.{inner[found[2]]}.{kind}"] = tensor
        else:
            tensors[f"{outer[stem]}.{kind}" if stem else outer[name]] = tensor
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    config = {
        "model_type": "vit",
        "image_size": network.patch_embed.img_size[0],
        "patch_size": network.patch_embed.patch_size[0],
        "hidden_size": network.embed_dim,
        "num_hidden_layers": len(network.blocks),
        "num_attention_heads": 2,
        "intermediate_size": 4 * network.embed_dim,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
        "id2label": {str(i): label for i, label in enumerate(labels)},
    }
    (folder / "config.json").write_text(json.dumps(config))
    prepares = {
        "do_resize": True,
        "size": {"height": config["image_size"], "width": config["image_size"]},
        "resample": 2,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(prepares))
