"""The FID of papers, by torch-fidelity, only where it and its weights are already there: nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"
"""Inception v3 as torch-fidelity keeps it among torch's downloads."""


def true_fid(fakes: NDArray[np.uint8], reals: NDArray[np.uint8]) -> float:
    """Frechet Inception distance of two sets of pictures.

    Args:
        fakes, reals: (N, H, W, 3) and (M, H, W, 3) uint8 RGB.

    Raises:
        ImportError: torch-fidelity is not installed.
        FileNotFoundError: its weights are not here.

    Source:
        Heusel et al., NeurIPS 2017; Obukhov et al., torch-fidelity, 2020.
    """
    try:
        from torch_fidelity import calculate_metrics
    except ImportError as error:
        raise ImportError(f"no true FID: torch-fidelity is not installed ({error})", name=error.name) from None
    import torch

    weights = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS
    if not weights.is_file():
        raise FileNotFoundError(2, "no true FID: the weights of torch-fidelity are not here", str(weights))
    sets = [torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))) for pixels in (fakes, reals)]
    found = calculate_metrics(
        input1=sets[0], input2=sets[1], fid=True, cuda=False, verbose=False, feature_extractor_weights_path=str(weights)
    )
    return float(found["frechet_inception_distance"])
