"""A session of ONNX Runtime on the processor, as all networks here have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

ERRORS, FATAL = 3, 4
"""The least that ONNX Runtime prints, by its numbers."""

OPSET, FORMAT = 17, 9
"""Versions of the operators and of the file format of models that are built here: every runtime we allow has them."""


def cpu_session(
    model: bytes,
    *entries: tuple[str, str],
    beside: Mapping[str, NDArray[Any]] | None = None,
    n_threads: int | None = None,
    log_severity: int = ERRORS,
) -> Any:
    """An `onnxruntime.InferenceSession`.

    Args:
        model: serialized.
        entries: further words to the runtime, each with its value.
        beside: values of the constants that `constant_beside` describes; they skip being packed into the model and
            unpacked again, and the runtime takes a copy.
        n_threads: that it may use; None takes OMP_NUM_THREADS where it is set, else all cores.
        log_severity: the least that it prints.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads or runtime_threads()
    options.log_severity_level = log_severity
    # A worker that waits must not burn a core that decodes for its neighbour.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for entry in entries:
        options.add_session_config_entry(*entry)
    if beside:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in beside.values()]
        options.add_external_initializers(list(beside), values)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def runtime_threads() -> int:
    """Threads that ONNX Runtime may use: OMP_NUM_THREADS where it is set, else 0, which means all cores."""
    import os

    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) > 0 else 0


def constant_beside(name: str, values: NDArray[Any]) -> Any:
    """An `onnx.TensorProto` that says of a constant what it is like, and not what is in it; see `cpu_session`."""
    import onnx

    made = onnx.TensorProto(name=name, dims=values.shape, data_location=onnx.TensorProto.EXTERNAL)
    made.data_type = onnx.helper.np_dtype_to_tensor_dtype(values.dtype)
    made.external_data.add(key="location", value="beside")
    return made


def serialized(
    name: str, nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], constants: Sequence[Any]
) -> bytes:
    """A model for `cpu_session` from the parts of `onnx.helper.make_graph`."""
    from onnx import helper

    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=FORMAT)
    return bytes(model.SerializeToString())
