"""What the processors of this machine can do, where the faster way of the same work hangs on it.

NumPy looks as it is imported. Both questions below have the same answer each time on one machine, which timing would
not have.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path

BYTE_PRODUCTS = ("AVX512VNNI", "ASIMDDP")
"""NumPy's names of the instructions that add up products of bytes, on x86 and on ARM."""

BYTE_PRODUCTS_OF_AVX2 = "avx_vnni"
"""The one that NumPy does not look for, by Linux' name for it."""

BFLOAT16_PRODUCTS = ("AVX512BF16", "AVX512_SPR")
"""NumPy's names of the instructions for products of bfloat16."""

CPU_INFO = Path("/proc/cpuinfo")


def usable_processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def multiplies_bytes() -> bool:
    """Whether the processor adds up products of bytes in one instruction, or cannot be asked."""
    features = _features()
    if not features or any(features.get(name) for name in BYTE_PRODUCTS):
        return True
    return CPU_INFO.is_file() and BYTE_PRODUCTS_OF_AVX2 in CPU_INFO.read_text(errors="replace").split()


def multiplies_bfloat16() -> bool:
    """Whether the processor has products of bfloat16.

    Where it has none, PyTorch takes eleven times as long for a convolution of bfloat16 as for one of float32, and
    thirty-five times as long for the tower's products (x86 with AVX2 alone).
    """
    features = _features()
    return any(features.get(name, False) for name in BFLOAT16_PRODUCTS)


def _features() -> dict[str, bool]:
    """What NumPy found out, by its names; empty where it does not say."""
    for name in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):  # since 2.0, and before
        try:
            return dict(importlib.import_module(name).__cpu_features__)
        except (ImportError, AttributeError):
            continue
    return {}
