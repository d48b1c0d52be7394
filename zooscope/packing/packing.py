"""A module with its weights becomes an upload: a pt2 archive and a manifest beside it."""

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from service.core.manifest import ModelManifest, TaskKind
from workers.methods.model_validation.judgement import manifest_problems
from workers.methods.model_validation.output_choice import chosen_output
from workers.programs.exporting import example_images, export_network
from workers.programs.inspection import probe_problems, weight_problems
from workers.programs.program import Program
from workers.programs.refusal import ProgramRefusedError
from zooscope.packing.refusal import PackingError
from zooscope.packing.user_code import running

TOLERANCE = 1e-5
_IMAGES = 2
_COPYABLE = "keep tensors that need gradients in parameters, and files and locks out of the module"
_FORWARD = "make forward(images) accept a batch of the size in the manifest"


@dataclass(frozen=True)
class PackedModel:
    """The files that were written, and what the service will see in them."""

    file: Path
    manifest_file: Path
    program: Program
    deviation: float


def pack(network: nn.Module, manifest: ModelManifest | dict[str, Any], out: Path) -> PackedModel:
    """Write ``out`` (pt2) and its manifest; the file, read back, gives the outputs of the module.

    Args:
        network: Holds its weights; it is copied, put into evaluation mode and float32.
        manifest: The model's manifest; its ``format`` is set to pt2.
        out: Path of the pt2 file; the manifest goes beside it, ending in ``.manifest.json``.

    Raises:
        PackingError: The outputs deviate, or the service would reject the file;
            ``detection_not_supported``.
        ProgramRefusedError: The network does not export, calls what is not allowed, or returns
            several tensors and the manifest does not say which of them counts.
    """
    declared = _as_manifest(manifest)
    spec = declared.input
    with running("not_copyable", "the network cannot be copied", _COPYABLE):
        frozen = copy.deepcopy(network).cpu().float().eval()
    with _writing(out), _naming_parts_of_a_detector(frozen, declared):
        packed = export_network(frozen, (spec.channels, spec.height, spec.width), out)
    program = chosen_output(packed, declared)
    deviation = _deviation(frozen, packed)
    if not deviation <= TOLERANCE:
        raise PackingError(
            "answers_differ",
            f"the packed network deviates from the module by {deviation:.1e}",
            "keep randomness and state out of forward",
        )
    problems = weight_problems(program) or manifest_problems(program, declared) or probe_problems(program)  # fmt: skip
    if problems:
        raise PackingError(problems[0].code, problems[0].detail, problems[0].remedy)
    manifest_file = out.with_suffix(".manifest.json")
    with _writing(manifest_file):
        manifest_file.write_text(declared.model_dump_json(indent=2, exclude_none=True) + "\n")
    return PackedModel(out, manifest_file, program, deviation)


def _as_manifest(manifest: ModelManifest | dict[str, Any]) -> ModelManifest:
    fields = manifest.model_dump() if isinstance(manifest, ModelManifest) else dict(manifest)
    fields.pop("architecture", None)
    return ModelManifest.model_validate(fields | {"format": "pt2"})


@contextlib.contextmanager
def _naming_parts_of_a_detector(network: nn.Module, manifest: ModelManifest) -> Iterator[None]:
    """The refusal to export a detection network is a ``PackingError`` that names its parts."""
    try:
        yield
    except ProgramRefusedError as error:
        by_library = type(network).__module__.startswith("torchvision.models.detection")
        if not by_library and manifest.task.kind is not TaskKind.DETECTION:
            raise
        parts = ", ".join(name for name, _ in network.named_children())
        raise PackingError(
            "detection_not_supported",
            "a detection network returns boxes, a different number for each image, which no method compares",
            f"pack the part that computes features, usually the backbone, with the task embedding; its parts are {parts}",
        ) from error


@contextlib.contextmanager
def _writing(file: Path) -> Iterator[None]:
    """A missing folder, or an operating system's refusal to write, is a ``PackingError``."""
    try:
        if not file.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {file.parent}")
        yield
    except OSError as error:
        raise PackingError("not_writable", f"{file} cannot be written: {error}", "choose another folder with --out") from error  # fmt: skip


def _deviation(network: nn.Module, program: Program) -> float:
    """Greatest relative distance of the outputs of module and program, on noise images."""
    count = program.batch if program.batch is not None else _IMAGES
    images = example_images(count, program.input_shape)
    with torch.no_grad(), running("forward_failed", "forward(images) fails", _FORWARD):
        eager, packed = tensors_in(network(images)), tensors_in(program(images))
    return max(
        float((own - read).norm() / own.norm().clamp_min(1e-30))
        for own, read in zip(eager, packed, strict=True)
    )


def tensors_in(answer: Any) -> list[Tensor]:
    """The tensors of an answer in order: itself, or those of a tuple, list or dictionary.

    Raises:
        PackingError: ``no_tensor_output``.
    """
    tensors = [leaf for leaf in tree_leaves(answer) if isinstance(leaf, Tensor)]
    if not tensors:
        raise PackingError(
            "no_tensor_output", "forward returns no tensor", "return a tensor of scores"
        )
    return tensors
