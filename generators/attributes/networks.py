"""The editor, its discriminator and a small reader of attributes, sized for 64-pixel faces on two processor cores.

All work in -1..1 and hold no batch statistics, so a picture never depends on its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from generators.attributes.labels import AGE_GROUPS, GENDERS, N_CONDITIONS, Attributes
from generators.gan.losses import gradient_penalty
from generators.gan.networks import SLOPE, Halving
from generators.images import Images

REACH = 2.0
"""Largest change of a value: from black to white."""


class Editor(nn.Module):
    """A face and what is asked for to the face with that, and only that, changed.

    StarGAN's shape (Choi et al. 2018: two halvings, residual blocks, two doublings), but what is asked for enters each
    residual block as scales and shifts (FiLM, Perez et al. 2018), and the decoder paints a change and how much of it
    is wanted at each pixel (an attention mask as in Pumarola et al. 2018), so what need not change stays. The first
    halving and the last doubling are pixel shuffles: they move most of the work to half the resolution.

    Args:
        wide, narrow: channels at a quarter and at half of the side.
        n_blocks: residual blocks at a quarter of the side.
        tail: channels at full resolution.
    """

    def __init__(self, wide: int = 64, narrow: int = 32, n_blocks: int = 3, tail: int = 12) -> None:
        super().__init__()
        self.stem = nn.Conv2d(12, narrow, 3, padding=1)
        self.down = nn.Conv2d(narrow, wide, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(Block(wide) for _ in range(n_blocks))
        self.up = nn.Conv2d(wide, narrow, 3, padding=1)
        self.grow = nn.Conv2d(narrow, 4 * tail, 3, padding=1)
        self.paint = nn.Conv2d(tail + 3, 4, 3, padding=1)
        nn.init.normal_(self.paint.weight, std=0.02)
        with torch.no_grad():
            # The four pixels of a shuffle start alike, or a grid shows from the first step (Aitken et al. 2017, ICNR).
            self.grow.weight.copy_(self.grow.weight[::4].repeat_interleave(4, dim=0))
            self.grow.bias = nn.Parameter(torch.zeros(4 * tail))

    def forward(self, images: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, S, S) in -1..1 and (N, N_CONDITIONS) -> edited faces (N, 3, S, S) in -1..1, attention (N, 1, S, S)."""
        half = F.leaky_relu(self.stem(F.pixel_unshuffle(images, 2)), SLOPE)
        x = F.leaky_relu(self.down(half), SLOPE)
        for block in self.blocks:
            x = block(x, asked)
        x = F.leaky_relu(self.up(F.interpolate(x, scale_factor=2, mode="nearest")) + half, SLOPE)
        x = F.leaky_relu(F.pixel_shuffle(self.grow(x), 2), SLOPE)
        change, attention = self.paint(torch.cat([x, images.to(x.dtype)], dim=1)).float().split([3, 1], dim=1)
        attention = torch.sigmoid(attention)
        return (images + REACH * torch.tanh(change) * attention).clamp(-1, 1), attention


class Block(nn.Module):
    """A residual block; its convolutions are normalised in each picture, then scaled and shifted by what is asked."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(n, n, 3, padding=1, bias=False)
        self.second = nn.Conv2d(n, n, 3, padding=1, bias=False)
        self.film = nn.Linear(N_CONDITIONS, 4 * n)

    def forward(self, x: Tensor, asked: Tensor) -> Tensor:
        """(N, n, H, W), (N, N_CONDITIONS) -> (N, n, H, W)."""
        scale_1, shift_1, scale_2, shift_2 = self.film(asked)[:, :, None, None].chunk(4, dim=1)
        y = F.instance_norm(self.first(x)) * (1 + scale_1) + shift_1
        y = F.instance_norm(self.second(F.leaky_relu(y, SLOPE))) * (1 + scale_2) + shift_2
        out: Tensor = x + y
        return out


class Look(NamedTuple):
    """What a discriminator makes of N faces.

    Attributes:
        patches: (N, 1 + N_CONDITIONS, P) for `logits`, of patches at an eighth of the side.
        whole: (N, 1 + N_CONDITIONS, 1) for `logits`, of the face.
        named: (N, N_CONDITIONS) class logits.
        penalty: () R1 of the face's logit; 0 where it was not wanted.
    """

    patches: Tensor
    whole: Tensor
    named: Tensor
    penalty: Tensor

    def patch_loss(self, attributes: Tensor, *, real: bool) -> Tensor:
        """Of taking patches for real, or for fake, given the attributes: ()."""
        return F.softplus((-1 if real else 1) * logits(self.patches, attributes)).mean()

    def face_loss(self, attributes: Tensor, *, real: bool) -> Tensor:
        """Of taking faces for real, or for fake, given their attributes: ()."""
        return F.softplus((-1 if real else 1) * logits(self.whole, attributes)).mean()


class Discriminator(nn.Module):
    """Is each patch real, is the face, does it go with these attributes, and which attributes has it?

    Patches and face give one logit that knows no attributes plus one for each attribute, of which those that hold are
    added: a projection discriminator (Miyato and Koyama 2018). Patches alone, as StarGAN has them, are not enough: an
    edit leaves most of them as they were, and the few that it spoils do not count in the mean. The head that names the
    attributes is StarGAN's.

    Args:
        channels: at a half, a quarter, an eighth and a sixteenth of the side.
    """

    def __init__(self, channels: tuple[int, int, int, int] = (32, 64, 128, 256)) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, channels[0], 4, stride=2, padding=1)
        self.fine = nn.Sequential(
            Halving(channels[0], channels[1], refines=False), Halving(channels[1], channels[2], refines=False)
        )
        self.coarse = Halving(channels[2], channels[3], refines=True)
        self.patches = nn.Conv2d(channels[2], 1 + N_CONDITIONS, 3, padding=1)
        self.whole = nn.Linear(channels[3] * 16, 1 + N_CONDITIONS)
        self.names = nn.Linear(channels[3] * 16, N_CONDITIONS)

    def forward(self, images: Tensor, penalised_for: Tensor | None = None) -> Look:
        """Look at faces.

        Args:
            images: (N, 3, 64, 64) in -1..1.
            penalised_for: (N, N_CONDITIONS), their attributes, if R1 is wanted. It is worked out here and not outside,
                so that Fabric and several processes see one forward pass and one backward pass.
        """
        if penalised_for is None:
            return self._look(images)
        images = images.detach().requires_grad_(True)
        look = self._look(images)
        return look._replace(penalty=gradient_penalty(logits(look.whole, penalised_for)[:, 0], images))

    def _look(self, images: Tensor) -> Look:
        fine = self.fine(F.leaky_relu(self.stem(images), SLOPE))
        coarse = self.coarse(fine).flatten(1)
        patches, whole = self.patches(fine).flatten(2).float(), self.whole(coarse)[:, :, None].float()
        return Look(patches, whole, self.names(coarse).float(), images.new_zeros(()))


class Reader(nn.Module):
    """Reads age group and gender of a face; a small network apart from the game.

    Args:
        width: channels at half of the side; twice, three and four times that below.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 4, stride=2, padding=1)
        self.halvings = nn.Sequential(*(Halving(i * width, (i + 1) * width, refines=False) for i in (1, 2, 3)))
        self.names = nn.Linear(4 * width * 16, N_CONDITIONS)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, 64, 64) -> class logits (N, N_CONDITIONS)."""
        x = self.halvings(F.leaky_relu(self.stem(images), SLOPE))
        named: Tensor = self.names(x.flatten(1))
        return named.float()


def conditions_of(classes: Tensor) -> Tensor:
    """Classes (N, 2) of age group and gender as (N, N_CONDITIONS) ones and zeros; all zeros where nothing is asked."""
    ages, genders = (torch.arange(len(known), device=classes.device) for known in (AGE_GROUPS, GENDERS))
    return torch.cat([classes[:, :1] == ages, classes[:, 1:] == genders], dim=1).float()


def logits(patches: Tensor, attributes: Tensor) -> Tensor:
    """Logits of patches or faces, given the attributes.

    Args:
        patches: (N, 1 + N_CONDITIONS, P).
        attributes: (N, N_CONDITIONS) ones and zeros.

    Returns:
        (N, P), high is real.
    """
    found: Tensor = patches[:, 0] + (patches[:, 1:] * attributes[:, :, None]).sum(dim=1)
    return found


def name_loss(named: Tensor, classes: Tensor) -> Tensor:
    """Cross-entropy of age group plus that of gender: (N, N_CONDITIONS), (N, 2) -> ()."""
    ages, genders = named[:, : len(AGE_GROUPS)], named[:, len(AGE_GROUPS) :]
    return F.cross_entropy(ages, classes[:, 0]) + F.cross_entropy(genders, classes[:, 1])


def editor_from(tensors: Mapping[str, NDArray[Any]]) -> Editor:
    """The editor of a weight file; its size is that of the tensors.

    Raises:
        ValueError: they are not those of an editor and its reader.
    """
    own = _part(tensors, "editor")
    try:
        wide, narrow = own["down.weight"].shape[:2]
        editor = Editor(wide, narrow, sum(name.endswith("film.bias") for name in own), len(own["grow.bias"]) // 4)
        editor.load_state_dict(own)
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"these are no weights of an attribute editor: {error}") from error
    return editor.eval().requires_grad_(False)


def reader_from(tensors: Mapping[str, NDArray[Any]]) -> Reader:
    """The reader of a weight file, see `editor_from`."""
    own = _part(tensors, "reader")
    try:
        reader = Reader(len(own["stem.bias"]))
        reader.load_state_dict(own)
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"these are no weights of an attribute reader: {error}") from error
    return reader.eval().requires_grad_(False)


def change_of(editor: Editor, face: Images, wanted: Attributes) -> Images:
    """What the editor adds to one face: (3, 64, 64) 0..1 -> (3, 64, 64) -1..1, in float32."""
    with torch.inference_mode():
        image = torch.from_numpy(face)[None] * 2 - 1
        edited, _ = editor(image, conditions_of(torch.tensor([wanted.classes])))
        change: Images = ((edited - image)[0] / 2).numpy()
    return change


def read_attributes(reader: Reader, face: Images) -> Attributes:
    """Most likely age group and gender of one face (3, 64, 64) 0..1."""
    with torch.inference_mode():
        named = reader(torch.from_numpy(face)[None] * 2 - 1)[0]
    return Attributes.of(int(named[: len(AGE_GROUPS)].argmax()), int(named[len(AGE_GROUPS) :].argmax()))


def _part(tensors: Mapping[str, NDArray[Any]], name: str) -> dict[str, Tensor]:
    prefix = f"{name}."
    return {
        key.removeprefix(prefix): torch.from_numpy(value.astype(np.float32))
        for key, value in tensors.items()
        if key.startswith(prefix)
    }
