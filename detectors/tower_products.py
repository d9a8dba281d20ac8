"""How the tower multiplies on this machine: with activations rounded to 8 bits, or in float32.

Rounding halves the time where the processor adds up products of bytes in one instruction and the runtime has kernels
for it. Without that instruction (x86 before 2019 or so, and many since) the same kernels take 1.3 to 1.7 times as long
as float32, and a runtime without kernels multiplies weights out for each picture, which takes almost three times as
long. So where either is missing, weights are multiplied out once, as the tower is loaded, at 0.2 GB more of memory.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from generators.onnx_session import cpu_session, serialized
from generators.processor import multiplies_bytes

ROUNDED = ("session.qdq_matmulnbits_accuracy_level", "4")
"""ONNX Runtime's word for 8-bit activations in products with integer weights; releases without it ignore it."""

IN_FLOAT = ("session.disable_quant_qdq", "1")
"""Its word for integer weights that are constants to be multiplied out as a model is loaded."""

SEEN_ROUNDING = 1e-4
"""Error of a product with rounded activations, as a share of its size, at least: it is some 0.005, in float32 3e-7."""


@cache
def rounding_pays() -> bool:
    """Whether rounded products are the faster ones here; the answer is the same each time on one machine."""
    return multiplies_bytes() and runtime_rounds()


def runtime_rounds() -> bool:
    """Whether ONNX Runtime has kernels for rounded products here: they are not exact."""
    weights = (np.arange(256 * 64).reshape(256, 64) % 251 - 127).astype(np.int8)
    x = np.linspace(-1, 1, 256, dtype=np.float32)[None] ** 3
    (found,) = cpu_session(_product(weights), ROUNDED, n_threads=1).run(None, {"x": x})
    exact = x @ weights.astype(np.float32)
    return bool(np.linalg.norm(found - exact) > SEEN_ROUNDING * np.linalg.norm(exact))


def _product(weights: NDArray[np.int8]) -> bytes:
    """A model of one product with integer weights, as the tower has them."""
    import onnx

    helper, of = onnx.helper, onnx.numpy_helper.from_array
    floats, (n_inputs, n_outputs) = onnx.TensorProto.FLOAT, weights.shape
    nodes = [
        helper.make_node("DequantizeLinear", ["weight", "scale"], ["whole"], axis=1),
        helper.make_node("MatMul", ["x", "whole"], ["product"]),
    ]
    x = helper.make_tensor_value_info("x", floats, ["n", n_inputs])
    product = helper.make_tensor_value_info("product", floats, ["n", n_outputs])
    constants = [of(weights, "weight"), of(np.ones(n_outputs, np.float32), "scale")]
    return serialized("product", nodes, [x], [product], constants)
