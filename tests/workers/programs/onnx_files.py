"""ONNX files for tests: written by both exporters of PyTorch, or node by node."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from tests.workers.programs.networks import SHAPE, images
from workers.programs import Program, read_program
from workers.programs.onnx import convert_onnx, read_onnx
from workers.programs.onnx.image_input import image_input_of
from workers.programs.onnx.network import OnnxNetwork

Array = NDArray[Any]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings and the progress of the exporters."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def write_script(
    network: nn.Module,
    path: Path,
    *,
    opset: int = 17,
    batch: int | None = None,
    fold: bool = True,
) -> Path:
    """The network as the older exporter writes it; the batch axis is free unless ``batch``."""
    training = torch.onnx.TrainingMode.EVAL if fold else torch.onnx.TrainingMode.PRESERVE
    free = {"images": {0: "batch"}, "scores": {0: "batch"}} if batch is None else None
    with quiet():
        torch.onnx.export(
            network, (images(batch or 2),), str(path), dynamo=False, opset_version=opset,
            input_names=["images"], output_names=["scores"], dynamic_axes=free, training=training,
        )  # fmt: skip
    return path


def write_dynamo(
    network: nn.Module, path: Path, *, opset: int = 18, batch: int | None = None
) -> Path:
    """The network as the newer exporter writes it; the batch axis is free unless ``batch``."""
    free = ({0: torch.export.Dim("batch", min=1, max=64)},) if batch is None else None
    with quiet():
        torch.onnx.export(
            network, (images(batch or 2),), str(path), dynamo=True, opset_version=opset,
            dynamic_shapes=free, external_data=False, verbose=False,
        )  # fmt: skip
    return path


def model_of(
    nodes: Sequence[onnx.NodeProto],
    weights: Mapping[str, Array] | None = None,
    *,
    shape: Sequence[int | str | None] = ("n", *SHAPE),
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
) -> onnx.ModelProto:
    """A model that takes ``x`` and computes ``outputs``."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [
            numpy_helper.from_array(np.asarray(array), name)
            for name, array in (weights or {}).items()
        ],
    )
    return helper.make_model(
        graph, ir_version=8, producer_name="zoo", opset_imports=[helper.make_opsetid("", opset)]
    )


def node(
    kind: str, *inputs: str, outputs: Sequence[str] = ("y",), **attributes: Any
) -> onnx.NodeProto:
    """A node."""
    return helper.make_node(kind, list(inputs), list(outputs), **attributes)


def written(model: onnx.ModelProto, path: Path) -> Path:
    """The model as a file."""
    path.write_bytes(model.SerializeToString())
    return path


def program_of(path: Path, shape: tuple[int, int, int] = SHAPE) -> Program:
    """The program that the zoo stores for an ONNX file."""
    target = path.with_suffix(".pt2")
    convert_onnx(path, shape, target)
    return read_program(target)


def network_of(path: Path) -> OnnxNetwork:
    """The module that an ONNX file becomes before it is exported."""
    graph = read_onnx(path)
    return OnnxNetwork(graph, channels_last=image_input_of(graph.image).channels_last)


def runtime_outputs(path: Path, batch: Tensor) -> list[Tensor]:
    """What the reference runtime computes."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (name,) = (entry.name for entry in session.get_inputs())
    return [
        torch.from_numpy(np.asarray(array)) for array in session.run(None, {name: batch.numpy()})
    ]
