"""Somebody else's ONNX graph: looked through before it is run, so that it can neither read files nor run code.

A graph is data, but it may point at files beside it (external data, whose paths a hostile graph chooses) and name
operators that a library of machine code would have to bring. Neither is followed: everything comes out of one file that
is read once, hashed and handed over as bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.outside.reading import Reading
from generators.onnx_session import FATAL, cpu_session

MAX_BYTES = 2**31 - 1
"""A protocol buffer cannot be longer."""

DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
"""Operators that ONNX Runtime itself brings: the standard's, classical learners, and what quantized graphs use."""


def checked(data: bytes) -> Any:
    """Parse a graph and look through it.

    Args:
        data: a serialized model.

    Returns:
        The `onnx.ModelProto`.

    Raises:
        ValueError: it is none, keeps weights in other files, or wants operators that nobody here knows.
    """
    import onnx
    from google.protobuf.message import DecodeError

    if len(data) > MAX_BYTES:
        raise ValueError("an ONNX file of more than 2 GB cannot be read; save it with smaller weights")
    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, RuntimeError, TypeError) as error:
        raise ValueError("it is no ONNX file") from error
    if not model.graph.node or not model.graph.output:
        raise ValueError("it is no ONNX file with a network in it")
    own = {(function.domain, function.name) for function in model.functions}
    for node in (node for scope in _scopes(model) for node in scope.node):
        if node.domain not in DOMAINS and (node.domain, node.op_type) not in own:
            raise ValueError(
                f"it wants the operator {node.domain}.{node.op_type}, which would need code from elsewhere"
            )
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ValueError(
                "it keeps its weights in other files; save it as one file (onnx.save with all data inside)"
            )
    return model


class OnnxNetwork:
    """Runs a checked graph on ONNX Runtime, one picture at a time.

    Args:
        data: a serialized model.

    Raises:
        ValueError: it cannot be run, or takes something else than one colour picture.
    """

    def __init__(self, data: bytes) -> None:
        checked(data)
        try:
            self._session = cpu_session(data, log_severity=FATAL)
        except _runtime_errors() as error:
            raise ValueError(f"ONNX Runtime cannot run it: {' '.join(str(error).split())[:200]}") from None
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in ("tensor(float)", "tensor(float16)"):
            shapes = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs)
            raise ValueError(f"a network of pictures takes one tensor of floats (N, 3, H, W), this one takes {shapes}")
        (self._input,) = inputs
        channels = self._input.shape[1], self._input.shape[3]
        if 3 not in channels and all(isinstance(n, int) for n in channels):
            raise ValueError(f"a network of colour pictures takes three channels, this one takes {self._input.shape}")

    @property
    def side_px(self) -> int | None:
        """Side of the square that the graph insists on; None where it takes any."""
        sides = self._input.shape[1:3] if self._channels_last else self._input.shape[2:]
        if all(isinstance(side, int) for side in sides):
            if sides[0] != sides[1]:
                raise ValueError(f"only square inputs can be prepared for, not {sides[0]} x {sides[1]}")
            return int(sides[0])
        return None

    def outputs(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Outputs (K,) for one prepared picture (1, 3, S, S).

        Raises:
            ValueError: the graph does not take such a picture, or gives no row of numbers.
        """
        ready = values.transpose(0, 2, 3, 1) if self._channels_last else values
        if self._input.type == "tensor(float16)":
            ready = ready.astype(np.float16)
        try:
            (first, *_) = self._session.run(None, {self._input.name: np.ascontiguousarray(ready)})
        except _runtime_errors() as error:
            raise ValueError(f"ONNX Runtime cannot run it: {' '.join(str(error).split())[:200]}") from None
        if (
            not isinstance(first, np.ndarray)
            or first.dtype.kind != "f"
            or first.size != first.shape[-1 if first.ndim else 0]
        ):
            raise ValueError("its first output is no row of numbers")
        return first.reshape(-1).astype(np.float32)

    def activation_map(self, values: NDArray[np.float32], reading: Reading) -> None:
        """A graph gives no gradients."""

    @property
    def _channels_last(self) -> bool:
        return bool(self._input.shape[3] == 3 and self._input.shape[1] != 3)


def _scopes(model: Any) -> Iterator[Any]:
    """Everything that holds nodes: the graph, those of training, functions, and the graphs inside of nodes."""
    waiting = [model.graph, *model.functions]
    for info in model.training_info:
        waiting += [info.initialization, info.algorithm]
    while waiting:
        scope = waiting.pop()
        yield scope
        for node in scope.node:
            for attribute in node.attribute:
                waiting += [attribute.g] * attribute.HasField("g") + [*attribute.graphs]


def _tensors(model: Any) -> Iterator[Any]:
    """All tensors of a model, also sparse ones and those inside of attributes."""
    for scope in _scopes(model):
        sparse = [*getattr(scope, "sparse_initializer", ())]
        yield from getattr(scope, "initializer", ())
        for node in scope.node:
            for attribute in node.attribute:
                yield from (attribute.t, *attribute.tensors)
                sparse += [attribute.sparse_tensor, *attribute.sparse_tensors]
        for tensor in sparse:
            yield from (tensor.values, tensor.indices)


def _runtime_errors() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = (
        "Fail",
        "InvalidArgument",
        "InvalidGraph",
        "InvalidProtobuf",
        "NotImplemented",
        "NoSuchFile",
        "RuntimeException",
    )
    return tuple(getattr(state, name) for name in (*names, "NoModel", "EPFail") if hasattr(state, name))
