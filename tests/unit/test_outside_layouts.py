"""Weights under the names of the transformers library become the same network under those of timm.

Checked by hand against the library itself (5.24, random weights): outputs of ViT, Swin, Swin V2, SigLIP and CLIP towers
differ by 3e-7 at most. Here the names are turned round by other code.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'learned'")
pytest.importorskip("timm")

from timm.models.swin_transformer import SwinTransformer  # noqa: E402
from timm.models.vision_transformer import VisionTransformer  # noqa: E402

from detectors.outside.layouts import converted  # noqa: E402
from detectors.outside.torch_network import TorchNetwork, built, fill  # noqa: E402

SWIN: dict[str, Any] = {
    "img_size": 64,
    "patch_size": 4,
    "embed_dim": 8,
    "depths": (2, 2),
    "num_heads": (2, 2),
    "window_size": 4,
    "num_classes": 2,
}


def randomised(network: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return network.eval()


def split(name: str, tensor: Any, parts: tuple[str, ...]) -> dict[str, Any]:
    return {name.replace("attn.qkv", part): chunk for part, chunk in zip(parts, tensor.chunk(3), strict=True)}


@pytest.mark.parametrize("release", ["old", "new"])
def test_a_swin_keeps_its_outputs_under_the_names_of_either_release(release: str) -> None:
    network = randomised(SwinTransformer(**SWIN))
    within = {
        "old": ("attention.self.{}", "attention.output.dense", "intermediate.dense", "output.dense"),
        "new": ("attention.{}_proj", "attention.o_proj", "mlp.fc1", "mlp.fc2"),
    }[release]
    letters = ("query", "key", "value") if release == "old" else ("q", "k", "v")
    bias = "attention.self." if release == "old" else "attention.relative_position_bias."
    theirs: dict[str, Any] = {}
    for name, tensor in network.state_dict().items():
        name = re.sub(r"^layers\.1\.downsample", "swin.encoder.layers.0.downsample", name)
        name = re.sub(r"^layers\.(\d)\.blocks", r"swin.encoder.layers.\1.blocks", name)
        name = re.sub(r"^patch_embed\.proj", "swin.embeddings.patch_embeddings.projection", name)
        name = re.sub(r"^patch_embed\.norm", "swin.embeddings.norm", name)
        name = re.sub(r"^norm\.", "swin.layernorm.", name)
        name = re.sub(r"^head\.fc", "classifier", name)
        name = name.replace("attn.proj", within[1]).replace("mlp.fc1", within[2]).replace("mlp.fc2", within[3])
        name = name.replace("attn.relative_position", f"{bias}relative_position")
        if "blocks" in name:
            name = name.replace("norm1", "layernorm_before").replace("norm2", "layernorm_after")
        if "attn.qkv" in name:
            theirs |= split(name, tensor, tuple(within[0].format(letter) for letter in letters))
        else:
            theirs[name] = tensor
    config = {
        "model_type": "swin",
        "image_size": 64,
        "patch_size": 4,
        "embed_dim": 8,
        "depths": [2, 2],
        "num_heads": [2, 2],
        "window_size": 4,
    }
    found = converted(config, theirs)
    ours = TorchNetwork(found.kind, found.arguments, found.tensors)
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert ours.outputs(picture.numpy()) == pytest.approx(network(picture)[0].numpy(), abs=1e-5)


def test_a_clip_tower_is_read_out_of_a_model_that_also_holds_one_for_text() -> None:
    network = randomised(
        VisionTransformer(
            img_size=16,
            patch_size=8,
            embed_dim=8,
            depth=1,
            num_heads=2,
            num_classes=5,
            pre_norm=True,
            act_layer="quick_gelu",
            norm_layer=torch.nn.LayerNorm,
        )
    )
    torch.nn.init.zeros_(network.head.bias)
    names = {
        "cls_token": "embeddings.class_embedding",
        "pos_embed": "embeddings.position_embedding.weight",
        "patch_embed.proj.weight": "embeddings.patch_embedding.weight",
    }
    theirs: dict[str, Any] = {
        "text_model.embeddings.token_embedding.weight": torch.zeros(9, 4),
        "logit_scale": torch.ones(1),
    }
    for name, tensor in network.state_dict().items():
        if name == "head.weight":
            theirs["visual_projection.weight"] = tensor
            continue
        inner = name.replace("blocks.", "encoder.layers.").replace("attn.proj", "self_attn.out_proj")
        inner = re.sub(r"(?<=\d\.)norm(\d)", r"layer_norm\1", inner)
        inner = re.sub(r"^norm_pre", "pre_layrnorm", re.sub(r"^norm\.", "post_layernorm.", inner))
        if "attn.qkv" in inner:
            parts = tuple(f"self_attn.{letter}_proj" for letter in "qkv")
            theirs |= {f"vision_model.{k}": v for k, v in split(inner, tensor, parts).items()}
        elif name != "head.bias":
            flat = (
                tensor.reshape(tensor.shape[-2:])
                if name == "pos_embed"
                else tensor.reshape(-1)
                if name == "cls_token"
                else tensor
            )
            theirs[f"vision_model.{names.get(name, inner)}"] = flat
    sizes = {"image_size": 16, "patch_size": 8, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = {"model_type": "clip", "vision_config": sizes | {"intermediate_size": 32, "hidden_act": "quick_gelu"}}
    found = converted(config, theirs)
    ours = TorchNetwork(found.kind, found.arguments, found.tensors)
    picture = torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        assert ours.outputs(picture.numpy()) == pytest.approx(network(picture)[0].numpy(), abs=1e-5)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "resnet"}, "type 'resnet'"),
        ({}, "type 'unstated'"),
        ({"model_type": "vit"}, "lack"),
        ({"model_type": "vit", "hidden_size": 8, "hidden_act": "relu"}, "lack|activation"),
    ],
)
def test_a_network_that_is_not_known_is_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        converted(config, {"classifier.weight": torch.zeros(2, 8), "classifier.bias": torch.zeros(2)})


def test_weights_that_lack_something_hold_too_much_or_have_other_sizes_are_refused() -> None:
    arguments = {"architecture": "test_vit", "n_outputs": 2}
    good = built("timm", arguments).state_dict()
    first = next(iter(good))
    for wrong, words in (
        ({k: v for k, v in good.items() if k != first}, "lack"),
        (good | {"more.weight": torch.zeros(1)}, "does not know"),
        (good | {first: torch.zeros(1)}, "not "),
    ):
        with pytest.raises(ValueError, match=f"not the weights.*{words}"):
            fill(built("timm", arguments), wrong)
