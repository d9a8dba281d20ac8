"""Sheets of edits, for the eye: one row a face, the original first, then every age group and every gender."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from generators.attributes.labels import AGE_GROUPS, AS_IT_IS, GENDERS
from generators.attributes.networks import conditions_of

EDITS = tuple((age, AS_IT_IS) for age in range(len(AGE_GROUPS))) + tuple((AS_IT_IS, g) for g in range(len(GENDERS)))
"""Columns of a sheet after the original, as classes."""


def edit_sheet(editor: nn.Module, images: torch.Tensor) -> NDArray[np.uint8]:
    """Every edit of every face.

    Args:
        editor: see `networks.Editor`.
        images: (N, 3, S, S) -1..1.

    Returns:
        (N * S, (1 + 7) * S, 3) uint8.
    """
    columns = [images]
    with torch.no_grad():
        for classes in EDITS:
            asked = conditions_of(torch.tensor([classes], device=images.device).expand(len(images), 2))
            columns.append(editor(images, asked)[0])
    sheet = torch.stack(columns, dim=1)  # (N, 8, 3, S, S)
    n, m, _, height, width = sheet.shape
    pixels = (sheet.float().cpu() + 1).mul(127.5).round().clamp(0, 255).byte()
    return pixels.permute(0, 3, 1, 4, 2).reshape(n * height, m * width, 3).numpy()
