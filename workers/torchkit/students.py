"""Fresh networks of a chosen build: what training jobs train."""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from service.core.catalogue.training import Body, Student
from service.core.errors import MethodError
from service.core.manifest import Architecture, InputSpec, TaskKind
from workers.programs.architectures import constructor_of
from workers.programs.refusal import ProgramRefusedError
from workers.torchkit.bodies import BUILDS, Answer, StudentNetwork
from workers.torchkit.module_reader import evaluating

__all__ = [
    "Answer",
    "BadStudentError",
    "StudentNetwork",
    "fill_linear",
    "own_input",
    "require_answers",
    "require_maps",
    "student_network",
]

_COLORS = 3
_OF_PIXELS = 4


class BadStudentError(MethodError):
    """A student of this build cannot be made for these teachers."""

    code = "bad_student"


class ListedStudent(StudentNetwork):
    """A network of a library's listing: one answer, and no maps to look at."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__([], (), network)

    def answer(self, images: Float[Tensor, "image channel row column"]) -> Answer:
        """Logits alone."""
        answers = self.head(images)
        logits = answers["out"] if isinstance(answers, dict) else answers
        return Answer(logits, ())


def _listed(name: str, shape: InputSpec, labels: int, generator: torch.Generator) -> ListedStudent:
    """Fresh weights as the library draws them, from a seed that the generator gives."""
    library, _, network = name.partition("/")
    arguments: dict[str, int] = {"num_classes": labels}
    if library == "timm" and shape.channels != _COLORS:
        arguments["in_chans"] = shape.channels
    told = Architecture.model_validate(
        {"library": library, "name": network, "arguments": arguments}
    )
    seed = int(torch.randint(2**31, (1,), generator=generator))
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            built = ListedStudent(constructor_of(told)())
        _require_answer(built, shape, labels)
    except (ProgramRefusedError, RuntimeError, ValueError, AssertionError, TypeError) as error:
        raise BadStudentError(
            f"{name} cannot be a student of {shape.channels} x {shape.height} x {shape.width}"
            f" inputs: {error}"[:500],
            remedy="choose another network of the listing, another side, or a build of ours",
        ) from error
    return built


def _require_answer(student: StudentNetwork, shape: InputSpec, labels: int) -> None:
    """One forward pass on nothing. Raises ValueError when it answers in another form."""
    with torch.no_grad(), evaluating(student) as network:
        found = network(torch.zeros(1, shape.channels, shape.height, shape.width)).shape
    if found[:2] != (1, labels):
        raise ValueError(f"it answers with shape {list(found[1:])}")


def require_maps(student: StudentNetwork) -> StudentNetwork:
    """The student, if its inner maps can be read. Raises BadStudentError."""
    if not student.blocks:
        raise BadStudentError(
            "this method reads maps inside of the student",
            remedy=f"choose one of the architectures {', '.join(Body)}",
        )
    return student


def require_answers(student: nn.Module, spec: InputSpec, task: TaskKind) -> None:
    """Nothing, where the network answers images, or pixels, as the task wants. Raises BadStudentError."""
    device = next(student.parameters()).device
    with torch.no_grad(), evaluating(student) as network:
        nothing = torch.zeros(2, spec.channels, spec.height, spec.width, device=device)
        of_pixels = network(nothing).ndim == _OF_PIXELS
    if of_pixels is not (task is TaskKind.SEGMENTATION):
        raise BadStudentError(
            "a network that answers every pixel cannot learn labels of whole images"
            if of_pixels
            else "a network that answers whole images cannot learn labels of pixels",
            remedy="use unet for teachers that answer pixels, another build for whole images",
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
        BadStudentError: ``start`` is of another build, or the library's network does not take
            such inputs.
    """
    if isinstance(spec.architecture, Body):
        network = BUILDS[spec.architecture](spec, shape, labels)
        _draw(network, generator)
    else:
        network = _listed(spec.architecture, shape, labels, generator)
    if start is not None:
        _load(network, start)
    return network


def _draw(network: nn.Module, generator: torch.Generator) -> None:
    """Fresh weights that come from the generator alone."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, nn.Linear):
            fill_linear(module, generator)


def _load(network: nn.Module, start: Mapping[str, Tensor]) -> None:
    own = {name: one.shape for name, one in network.state_dict().items()}
    given = {name: start[name].shape for name in own if name in start}
    if own != given:
        raise BadStudentError(
            "the model given as init has another build than the student",
            remedy="choose a student of the zoo with the same architecture, width and labels",
        )
    network.load_state_dict({name: start[name] for name in own})


def fill_linear(layer: nn.Linear, generator: torch.Generator) -> None:
    """Weights uniform within one over the root of the inputs; no bias."""
    bound = 1 / math.sqrt(layer.in_features)
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.zeros_(layer.bias)


def own_input(teacher: InputSpec, spec: Student) -> InputSpec:
    """The student's input: the teacher's, at the student's side."""
    if spec.side is None:
        return teacher
    return teacher.model_copy(update={"height": spec.side, "width": spec.side})
