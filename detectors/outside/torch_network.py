"""Somebody else's network in PyTorch: built by its sizes or by timm's name, filled with tensors, never with code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.outside.cam import activation_map
from detectors.outside.reading import Reading
from generators.extras import needs

with needs("learned"):
    import timm
    import torch
    from timm.models.swin_transformer import SwinTransformer
    from timm.models.swin_transformer_v2 import SwinTransformerV2
    from timm.models.vision_transformer import VisionTransformer
    from torch import Tensor, nn

Tensors = Mapping[str, Tensor]


class TorchNetwork:
    """Runs a network on the processor, one picture at a time.

    Args:
        kind: one of `described.KINDS` but onnx.
        arguments: what it is made with.
        tensors: all of its weights, by name.

    Raises:
        ValueError: the weights are not those of this network.
    """

    def __init__(self, kind: str, arguments: Mapping[str, Any], tensors: Tensors) -> None:
        self._network = built(kind, arguments)
        fill(self._network, tensors)
        self._network.eval()

    def outputs(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Outputs (K,) for one prepared picture (1, 3, S, S).

        Raises:
            ValueError: the network does not take such a picture.
        """
        try:
            with torch.inference_mode():
                found: Tensor = self._network(torch.from_numpy(values))
        except (RuntimeError, AssertionError) as error:
            raise ValueError(f"the network does not take a picture of {values.shape}: {error}") from error
        return found.reshape(-1).float().numpy()

    def activation_map(self, values: NDArray[np.float32], reading: Reading) -> NDArray[np.float32] | None:
        """See `Network.activation_map`; it takes twice as long as `outputs`, or three times."""
        return activation_map(self._network, values, reading)


def built(kind: str, arguments: Mapping[str, Any]) -> nn.Module:
    """The network with any weights at all; the global random state stays as it was.

    Raises:
        ValueError: there is no such architecture, or it cannot be made with these arguments.
    """
    makers: Mapping[str, Callable[..., nn.Module]] = {
        "timm": _timm,
        "vit": _vit,
        "swin": partial(_swin, SwinTransformer),
        "swinv2": partial(_swin, SwinTransformerV2),
        "discriminator": _discriminator,
    }
    with torch.random.fork_rng(devices=[]):
        try:
            return makers[kind](**arguments)
        except (TypeError, RuntimeError, AssertionError, KeyError) as error:
            raise ValueError(f"a network {kind} cannot be made with {dict(arguments)}: {error}") from error


def fill(network: nn.Module, tensors: Tensors) -> None:
    """Load weights; what a network computes for itself may be left over, and counters of batches missing.

    Raises:
        ValueError: something is missing, left over or of another size.
    """
    own = network.state_dict()
    computed = {name for name, _ in network.named_buffers()}
    missing = sorted(n for n in own.keys() - tensors.keys() if not n.endswith("num_batches_tracked"))
    unknown = sorted(tensors.keys() - own.keys() - computed)
    if missing or unknown:
        what = f"lack {missing[0]!r}" if missing else f"hold {unknown[0]!r}, which it does not know"
        raise ValueError(
            f"these are not the weights of this network: they {what} ({len(missing) + len(unknown)} in all)"
        )
    for name in own.keys() & tensors.keys():
        if own[name].shape != tensors[name].shape:
            raise ValueError(
                f"these are not the weights of this network: {name} is {tuple(tensors[name].shape)}, not "
                f"{tuple(own[name].shape)}"
            )
    network.load_state_dict({k: v.to(own[k].dtype) for k, v in tensors.items() if k in own}, strict=False)


def usual_settings(architecture: str) -> dict[str, Any]:
    """How timm prepares pictures for an architecture, and what it calls the last layer.

    Raises:
        ValueError: there is no such architecture.
    """
    _check_name(architecture)
    found = timm.models.get_pretrained_cfg(architecture)
    return vars(found).copy() if found is not None else {"classifier": "head"}


def _timm(architecture: str, n_outputs: int, **more: Any) -> nn.Module:
    _check_name(architecture)
    made: nn.Module = timm.create_model(architecture, pretrained=False, num_classes=n_outputs, **more)
    return made


def _check_name(architecture: str) -> None:
    # A name with a place in front, such as hf-hub:, would fetch something.
    if not timm.is_model(architecture):
        close = timm.list_models(f"*{architecture.split('.')[0][:12]}*")[:3]
        hint = f"; close to it: {', '.join(close)}" if close else ""
        raise ValueError(f"timm {timm.__version__} knows no architecture {architecture!r}{hint}")


def _vit(epsilon: float, activation: str, **sizes: Any) -> nn.Module:
    norm: Any = partial(nn.LayerNorm, eps=epsilon)
    made: nn.Module = VisionTransformer(norm_layer=norm, act_layer=activation, **sizes)
    return made


def _swin(kind: type[nn.Module], epsilon: float, **sizes: Any) -> nn.Module:
    norm: Any = partial(nn.LayerNorm, eps=epsilon)
    return kind(norm_layer=norm, **sizes)


def _discriminator(**sizes: Any) -> nn.Module:
    from generators.gan.networks import Discriminator

    return Discriminator(**sizes)
