"""ONNX files in, the zoo's one executable form out.

``read_onnx`` reads the protocol buffer with its own reader: bounded, without copies, without opening
another file. ``convert_onnx`` computes the graph with torch, over an allow-list of operators, and exports
it as a pt2 archive, as for a network that is uploaded as bare weights.
"""

from workers.programs.onnx.conversion import check_onnx, convert_onnx, convert_with_fixed_batch
from workers.programs.onnx.graph import OnnxGraph, OnnxInput, read_onnx
from workers.programs.onnx.image_input import ImageInput, image_input_of

__all__ = [
    "ImageInput",
    "OnnxGraph",
    "OnnxInput",
    "check_onnx",
    "convert_onnx",
    "convert_with_fixed_batch",
    "image_input_of",
    "read_onnx",
]
