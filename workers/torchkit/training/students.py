"""New student networks of a chosen architecture."""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from service.core.catalog.training import Student, StudentArchitecture
from service.core.errors import MethodError
from service.core.manifest import Architecture, InputSpec, TaskKind
from workers.programs.architectures import constructor_of
from workers.programs.machine_faults import raise_machine_fault
from workers.programs.refusal import ProgramRefusedError
from workers.torchkit.attribution.module_reader import evaluating
from workers.torchkit.training.student_networks import BUILDS, StudentNetwork, StudentOutput

__all__ = [
    "BadStudentError",
    "StudentNetwork",
    "StudentOutput",
    "fill_linear",
    "own_input",
    "require_answers",
    "require_maps",
    "student_network",
]

_COLORS = 3
_OF_PIXELS = 4
_PIXEL_TASKS = (TaskKind.SEGMENTATION, TaskKind.STYLIZATION)


class BadStudentError(MethodError):
    """No student of this architecture fits these teachers or inputs."""

    code = "invalid_student"


class ListedStudent(StudentNetwork):
    """A network from a library's registry: logits only, no inner maps."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__([], (), network)

    def answer(self, images: Float[Tensor, "image channel row column"]) -> StudentOutput:
        """Logits without maps."""
        answers = self.head(images)
        logits = answers["out"] if isinstance(answers, dict) else answers
        return StudentOutput(logits, ())


def _listed(name: str, shape: InputSpec, labels: int, generator: torch.Generator) -> ListedStudent:
    """A library network with its own initialization, seeded from the generator."""
    library, _, network = name.partition("/")
    arguments: dict[str, int] = {"num_classes": labels}
    if library == "timm" and shape.channels != _COLORS:
        arguments["in_chans"] = shape.channels
    architecture = Architecture.model_validate(
        {"library": library, "name": network, "arguments": arguments}
    )
    seed = int(torch.randint(2**31, (1,), generator=generator))
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            student = ListedStudent(constructor_of(architecture)())
        _require_answer(student, shape, labels)
    except (ProgramRefusedError, RuntimeError, ValueError, AssertionError, TypeError) as error:
        raise_machine_fault(error)
        raise BadStudentError(
            f"{name} cannot be a student of {shape.channels} x {shape.height} x {shape.width}"
            f" inputs: {error}"[:500],
            remedy="choose another library network, another image size, or a built-in architecture",
        ) from error
    return student


def _require_answer(student: StudentNetwork, shape: InputSpec, labels: int) -> None:
    """Checks the output shape with one forward pass on zeros. Raises ValueError."""
    with torch.no_grad(), evaluating(student) as network:
        shape_of_output = network(torch.zeros(1, shape.channels, shape.height, shape.width)).shape
    if shape_of_output[:2] != (1, labels):
        raise ValueError(f"its output has shape {list(shape_of_output[1:])}")


def require_maps(student: StudentNetwork) -> StudentNetwork:
    """The student, provided that its inner maps can be read. Raises BadStudentError."""
    if not student.blocks:
        raise BadStudentError(
            "this method reads the student's inner maps, which a library network does not expose",
            remedy=f"choose one of the architectures {', '.join(StudentArchitecture)}",
        )
    return student


def require_answers(student: nn.Module, spec: InputSpec, task: TaskKind) -> None:
    """Checks that the student predicts images or pixels as the task needs. Raises BadStudentError."""
    device = next(student.parameters()).device
    with torch.no_grad(), evaluating(student) as network:
        blank = torch.zeros(2, spec.channels, spec.height, spec.width, device=device)
        predicts_pixels = network(blank).ndim == _OF_PIXELS
    if predicts_pixels is not (task in _PIXEL_TASKS):
        raise BadStudentError(
            "a network that predicts pixels cannot learn labels of whole images"
            if predicts_pixels
            else "a network that predicts whole images cannot learn labels of pixels",
            remedy="use unet for segmentation teachers, another architecture for whole images",
        )


def student_network(
    spec: Student,
    shape: InputSpec,
    *,
    labels: int,
    generator: torch.Generator,
    start: Mapping[str, Tensor] | None = None,
) -> StudentNetwork:
    """A student whose weights come from the generator alone, or from ``start``.

    Raises:
        BadStudentError: ``start`` has another architecture, or the library's network does not
            accept such inputs.
    """
    if isinstance(spec.architecture, StudentArchitecture):
        network = BUILDS[spec.architecture](spec, shape, labels)
        _draw(network, generator)
    else:
        network = _listed(spec.architecture, shape, labels, generator)
    if start is not None:
        _load(network, start)
    return network


def _draw(network: nn.Module, generator: torch.Generator) -> None:
    """Draws all weights from the generator only."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, nn.Linear):
            fill_linear(module, generator)


def _load(network: nn.Module, start: Mapping[str, Tensor]) -> None:
    expected = {name: weight.shape for name, weight in network.state_dict().items()}
    supplied = {name: start[name].shape for name in expected if name in start}
    if expected != supplied:
        raise BadStudentError(
            "the initial model has another architecture than the student",
            remedy="choose an initial model with the same architecture, width and labels",
        )
    network.load_state_dict({name: start[name] for name in expected})


def fill_linear(layer: nn.Linear, generator: torch.Generator) -> None:
    """Draws weights uniformly within ±1/√(inputs); biases are 0."""
    bound = 1 / math.sqrt(layer.in_features)
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.zeros_(layer.bias)


def own_input(teacher: InputSpec, spec: Student) -> InputSpec:
    """The student's input: that of the teacher at the student's image size."""
    if spec.image_size is None:
        return teacher
    return teacher.model_copy(update={"height": spec.image_size, "width": spec.image_size})
