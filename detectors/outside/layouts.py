"""Tensor names of image classifiers as the transformers library stores them, put into the names that timm uses.

Both libraries hold the same networks (ViT: Dosovitskiy et al., ICLR 2021; Swin: Liu et al., ICCV 2021; Swin V2: Liu et
al., CVPR 2022; SigLIP: Zhai et al., ICCV 2023; CLIP: Radford et al., ICML 2021) under other names; transformers keeps
query, key and value apart, timm in one tensor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from generators.extras import needs

with needs("learned"):
    import torch
    from torch import Tensor

Config = Mapping[str, Any]

_PARTS = (
    (
        r"(?:attention\.attention|attention\.self|self_attn|attention)\.(query|key|value|q_proj|k_proj|v_proj)\.",
        r"attn.\1.",
    ),
    (r"(?:attention\.output\.dense|self_attn\.out_proj|attention\.o_proj)\.", "attn.proj."),
    (r"attention\.(?:self\.|relative_position_bias\.)?continuous_position_bias_mlp\.", "attn.cpb_mlp."),
    (r"attention\.(?:self|relative_position_bias)\.", "attn."),
    (r"(?:layernorm_before|layer_norm1)\.", "norm1."),
    (r"(?:layernorm_after|layer_norm2)\.", "norm2."),
    (r"(?:intermediate\.dense|mlp\.fc1)\.", "mlp.fc1."),
    (r"(?:output\.dense|mlp\.fc2)\.", "mlp.fc2."),
)
"""Names inside of a block, of old and new releases of transformers; the first that fits is taken."""

_OUTER = {
    "embeddings.cls_token": "cls_token",
    "embeddings.class_embedding": "cls_token",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.position_embedding.weight": "pos_embed",
    "embeddings.norm.weight": "patch_embed.norm.weight",
    "embeddings.norm.bias": "patch_embed.norm.bias",
    "layernorm.weight": "norm.weight",
    "layernorm.bias": "norm.bias",
    "post_layernorm.weight": "norm.weight",
    "post_layernorm.bias": "norm.bias",
    "pre_layrnorm.weight": "norm_pre.weight",
    "pre_layrnorm.bias": "norm_pre.bias",
}
"""Names outside of blocks; pre_layrnorm is how the library spells it."""

_UNUSED = re.compile(r"(text_model|text_projection|logit_scale|logit_bias|[a-z0-9_]*\.?pooler|vision_model\.head)\b.*")
"""What a classifier does not look at: towers for text, and pooling layers that the libraries always store."""


@dataclass(frozen=True)
class Network:
    """A network that can be built.

    Attributes:
        kind: of `described.KINDS`.
        arguments: what it is made with.
        tensors: its weights, in timm's names.
    """

    kind: str
    arguments: dict[str, Any]
    tensors: dict[str, Tensor]


def converted(config: Config, tensors: Mapping[str, Tensor]) -> Network:
    """Rename weights that transformers stored.

    Args:
        config: of `config.json`.
        tensors: of `model.safetensors`.

    Raises:
        ValueError: no layout of this type is known, or sizes are missing.
    """
    kind = str(config.get("model_type", ""))
    if kind not in _LAYOUTS:
        raise ValueError(f"models of type {kind or 'unstated'!r} cannot be read; {', '.join(_LAYOUTS)} can")
    prefix, network, sizes = _LAYOUTS[kind]
    heads = {name.replace("visual_projection.", "head."): t for name, t in tensors.items() if "visual_proj" in name}
    classifier = "head.fc." if kind.startswith("swin") else "head."
    heads |= {
        name.replace("classifier.", classifier): t for name, t in tensors.items() if name.startswith("classifier.")
    }
    if "head.weight" in heads and "head.bias" not in heads:
        heads["head.bias"] = torch.zeros(len(heads["head.weight"]))
    used = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix) and not _UNUSED.fullmatch(n)}
    renamed = {_renamed(name): tensor for name, tensor in used.items()}
    for name in ("cls_token", "pos_embed"):
        if name in renamed:
            renamed[name] = renamed[name].reshape(1, -1, renamed[name].shape[-1])
    try:
        arguments = sizes(config, len(next(v for k, v in heads.items() if k.endswith("weight"))))
    except (KeyError, TypeError, StopIteration) as error:
        raise ValueError(f"its config.json or weights lack {error}, so the network cannot be built") from error
    return Network(network, arguments, _joined(renamed, kind) | heads)


def _renamed(name: str) -> str:
    if name in _OUTER:
        return _OUTER[name]
    name = re.sub(r"^embeddings\.patch_embeddings?(\.projection)?\.", "patch_embed.proj.", name)
    # A stage of Swin ends with its merging in transformers; in timm the next one begins with it.
    if found := re.match(r"encoder\.layers\.(\d+)\.downsample\.(.*)", name):
        return f"layers.{int(found[1]) + 1}.downsample.{found[2]}"
    name = re.sub(r"^encoder\.layers\.(\d+)\.blocks\.", r"layers.\1.blocks.", name)
    name = re.sub(r"^(?:encoder\.layers?|layers)\.(\d+)\.(?!blocks|downsample)", r"blocks.\1.", name)
    for pattern, part in _PARTS:
        changed = re.sub(rf"(?<=\d\.){pattern}", part, name)
        if changed != name:
            return changed
    return name


def _joined(tensors: Mapping[str, Tensor], kind: str) -> dict[str, Tensor]:
    """Query, key and value of each block in one tensor."""
    joined, parts = {}, dict[str, dict[str, Tensor]]()
    for name, tensor in tensors.items():
        if found := re.fullmatch(r"(.*\.attn)\.([qkv])(?:uery|ey|alue|_proj)\.(weight|bias)", name):
            parts.setdefault(f"{found[1]} {found[3]}", {})[found[2]] = tensor
        else:
            joined[name] = tensor
    for place, own in parts.items():
        attention, _, which = place.partition(" ")
        if kind == "swinv2" and which == "bias":
            joined |= {f"{attention}.{letter}_bias": own[letter] for letter in "qv" if letter in own}
        elif own.keys() == set("qkv"):
            joined[f"{attention}.qkv.{which}"] = torch.cat([own[letter] for letter in "qkv"])
        else:
            raise ValueError(f"its weights lack a part of {attention}: query, key or value")
    return joined


def _vit(config: Config, n_outputs: int) -> dict[str, Any]:
    return {
        **_plain(config, n_outputs),
        "qkv_bias": bool(config.get("qkv_bias", True)),
        "epsilon": float(config.get("layer_norm_eps", 1e-12)),
        "activation": _activation(config),
    }


def _clip(config: Config, n_outputs: int) -> dict[str, Any]:
    own = config.get("vision_config") or config
    return {
        **_plain(own, n_outputs),
        "pre_norm": True,
        "epsilon": float(own.get("layer_norm_eps", 1e-5)),
        "activation": _activation(own, "quick_gelu"),
    }


def _siglip(config: Config, n_outputs: int) -> dict[str, Any]:
    own = config["vision_config"]
    return {
        **_plain(own, n_outputs),
        "class_token": False,
        "global_pool": "avg",
        "fc_norm": False,
        "epsilon": float(own.get("layer_norm_eps", 1e-6)),
        "activation": _activation(own, "gelu_tanh"),
    }


def _plain(config: Config, n_outputs: int) -> dict[str, Any]:
    return {
        "img_size": int(config.get("image_size", 224)),
        "patch_size": int(config.get("patch_size", 16)),
        "embed_dim": int(config["hidden_size"]),
        "depth": int(config["num_hidden_layers"]),
        "num_heads": int(config["num_attention_heads"]),
        "mlp_ratio": int(config["intermediate_size"]) / int(config["hidden_size"]),
        "num_classes": n_outputs,
    }


def _swin(config: Config, n_outputs: int) -> dict[str, Any]:
    if _activation(config) != "gelu" or config.get("use_absolute_embeddings", False):
        raise ValueError("Swin with another activation than GELU or with absolute positions cannot be read")
    return {
        "img_size": int(config.get("image_size", 224)),
        "patch_size": int(config.get("patch_size", 4)),
        "embed_dim": int(config["embed_dim"]),
        "depths": [int(n) for n in config["depths"]],
        "num_heads": [int(n) for n in config["num_heads"]],
        "window_size": int(config["window_size"]),
        "mlp_ratio": float(config.get("mlp_ratio", 4.0)),
        "qkv_bias": bool(config.get("qkv_bias", True)),
        "num_classes": n_outputs,
        "epsilon": float(config.get("layer_norm_eps", 1e-5)),
    }


def _swin_2(config: Config, n_outputs: int) -> dict[str, Any]:
    windows = config.get("pretrained_window_sizes") or [0] * len(config["depths"])
    return {**_swin(config, n_outputs), "pretrained_window_sizes": [int(n) for n in windows]}


def _activation(config: Config, usual: str = "gelu") -> str:
    names = {"gelu": "gelu", "quick_gelu": "quick_gelu", "gelu_pytorch_tanh": "gelu_tanh", "gelu_tanh": "gelu_tanh"}
    given = str(config.get("hidden_act", usual))
    if given not in names:
        raise ValueError(f"networks with the activation {given!r} cannot be read")
    return names[given]


_LAYOUTS: Mapping[str, tuple[str, str, Callable[[Config, int], dict[str, Any]]]] = {
    "vit": ("vit.", "vit", _vit),
    "swin": ("swin.", "swin", _swin),
    "swinv2": ("swinv2.", "swinv2", _swin_2),
    "siglip": ("vision_model.", "vit", _siglip),
    "clip": ("vision_model.", "vit", _clip),
    "clip_vision_model": ("vision_model.", "vit", _clip),
}
"""Type in config.json -> beginning of its names, kind of network, and how its sizes are read."""
