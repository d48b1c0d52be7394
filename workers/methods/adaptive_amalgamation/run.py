"""Trains one component for each task, then one student of all components."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from service.core.catalogue.adaptive_amalgamation import AdaptiveAmalgamationParams
from service.core.catalogue.training import Student
from workers.contract import Report, TrainingReport
from workers.methods.adaptive_amalgamation.alignment import (
    Adaptor,
    CommonSpace,
    paired,
)
from workers.methods.adaptive_amalgamation.pictures import selection_picture
from workers.methods.adaptive_amalgamation.selection import answers_of, kept, weights_of
from workers.methods.adaptive_amalgamation.steps import (
    ComponentStep,
    Learner,
    StudentStep,
    Voice,
)
from workers.methods.adaptive_amalgamation.tasks import Assignment, Source, assignments
from workers.programs import Layer
from workers.torchkit.courses import Stage, Training
from workers.torchkit.outcomes import Trained, WithImages, complete
from workers.torchkit.students import (
    StudentNetwork,
    own_input,
    require_answers,
    require_maps,
    student_network,
)
from workers.torchkit.taps import last_of_every_size, maps_of, named_maps
from workers.torchkit.teachers import Head, NotTeachableError, Teacher

Inputs = WithImages
Result = Trained

SELECTION = "selection.png"


def run(inputs: Inputs, params: AdaptiveAmalgamationParams, report: TrainingReport) -> Result:
    """Train, then measure the student after its last step.

    Raises:
        NotTeachableError: No teacher knows a task, or teachers, tasks and layers do not go
            together.
        BadStudentError: The student cannot be of this build.
        DivergedError: Losses stopped being finite.
    """
    return complete(Amalgamation(inputs, params, report), inputs, params, report)


class Amalgamation:
    """Sources, components and student: what the stages need.

    Attributes:
        tasks: What the student learns, and from whom.
        components: One network for each task, in that order.
    """

    def __init__(self, inputs: Inputs, params: AdaptiveAmalgamationParams, report: Report) -> None:
        self._inputs, self._params = inputs, params
        self.tasks = assignments(inputs.teachers, params.tasks)
        self.head = head_of(inputs.teachers, self.tasks, params.student)
        first = inputs.teachers[0]
        self.task, self._device = first.task, first.program.device
        self.spec = own_input(first.input, params.student)
        generator = torch.Generator().manual_seed(params.seed)
        self.student = self._fresh(params.student, len(self.head.labels), generator, inputs.start)
        self.components = [
            self._fresh(params.between(), len(one.labels), generator, None) for one in self.tasks
        ]
        self.training = Training({}, generator)
        self._choose(generator, report)
        self._voices = [self._heard_in(number) for number in range(len(self.tasks))]
        self._alignments = [
            self._aligned(*pair, generator)
            for pair in zip(self.components, self._voices, strict=True)
        ]
        self._adaptors = self._adapted(generator)
        self.training.networks = self._networks()
        self.heard = self._told()

    def _choose(self, generator: torch.Generator, report: Report) -> None:
        """Have every task remember who teaches which image."""

        def asked(source: Source) -> torch.Tensor:
            teacher = self._inputs.teachers[source.teacher]
            report(0, self._params.budget.steps or 0, f"asking {teacher.name}")
            return answers_of(teacher, self._inputs.images)

        for number, task in enumerate(self.tasks):
            self.training.memory[_memory(number)] = weights_of(
                task,
                self._inputs.images,
                self._params,
                ask=asked,
                kind=self.task,
                generator=generator,
            )

    def _fresh(
        self,
        build: Student,
        labels: int,
        generator: torch.Generator,
        start: Mapping[str, torch.Tensor] | None,
    ) -> StudentNetwork:
        """A network with one answer for each label of an image."""
        made = student_network(build, self.spec, labels=labels, generator=generator, start=start)
        require_answers(made, self.spec, self.task)
        if self._params.feature_weight > 0:
            require_maps(made)
        return made.to(self._device)

    def _heard_in(self, number: int) -> dict[int, Voice]:
        """The sources of a task that teach, by their place among its sources."""
        sources = self.tasks[number].sources
        weights = self.training.memory[_memory(number)]
        return {place: self._voice(sources[place]) for place in kept(weights)}

    def _voice(self, source: Source) -> Voice:
        teacher = self._inputs.teachers[source.teacher]
        layers = [] if self._params.feature_weight == 0 else self._taps(source.teacher, teacher)
        return Voice(teacher, source.columns, tuple(layers))

    def _taps(self, number: int, teacher: Teacher) -> list[Layer]:
        """The teacher's layers that are aligned with the component's blocks, the last with last."""
        given, program = self._params.teacher_layers, teacher.program
        if given is None:
            found = last_of_every_size(maps_of(program))
        elif len(given) == len(self._inputs.teachers):
            found = named_maps(program, given[number])
        else:
            raise NotTeachableError(
                f"teacher_layers speaks of {len(given)} teachers, there are"
                f" {len(self._inputs.teachers)}",
                remedy="give one list of layers for each teacher, in their order",
            )
        return found[-len(self.components[0].blocks) :]

    def _aligned(
        self, component: StudentNetwork, voices: Mapping[int, Voice], generator: torch.Generator
    ) -> nn.ModuleList:
        """One alignment for each source of a component."""
        pairs = [
            paired(component.channels, [layer.shape[0] for layer in one.layers])
            for one in voices.values()
        ]
        return nn.ModuleList(CommonSpace(one, generator) for one in pairs).to(self._device)

    def _adapted(self, generator: torch.Generator) -> nn.ModuleList:
        """One adaptor for each component."""
        learner = self.student.channels if self._params.feature_weight > 0 else ()
        pairs = [paired(learner, one.channels) for one in self.components]
        return nn.ModuleList(Adaptor(one, generator) for one in pairs).to(self._device)

    def _networks(self) -> dict[str, nn.Module]:
        found: dict[str, nn.Module] = {"student": self.student, "adaptors": self._adaptors}
        for number, component in enumerate(self.components):
            found[f"component_{number}"] = component
            found[f"alignments_{number}"] = self._alignments[number]
        return found

    def stages(self) -> Sequence[Stage]:
        """One for each task, then one for the student: all pass as often over the images.

        A step of a component takes a batch from every source, a step of the student one batch.
        """
        steps = [self._component_step(number) for number in range(len(self.tasks))]
        firsts = [
            Stage(task.name, 1 / len(step.voices), step.begin)
            for task, step in zip(self.tasks, steps, strict=True)
        ]
        return [*firsts, Stage("student", 1.0, self._student_step().begin)]

    def _component_step(self, number: int) -> ComponentStep:
        return ComponentStep(
            self.training,
            self._params,
            self._inputs.images,
            Learner(self.components[number], self.spec),
            self._voices[number],
            self._alignments[number],
            _memory(number),
        )

    def _student_step(self) -> StudentStep:
        places = {label: place for place, label in enumerate(self.head.labels)}
        return StudentStep(
            self.training,
            self._params,
            self._inputs.images,
            Learner(self.student, self.spec),
            [Learner(one, self.spec) for one in self.components],
            [[places[label] for label in task.labels] for task in self.tasks],
            self._adaptors,
        )

    def shares(self) -> dict[str, dict[str, float]]:
        """Share of the images that each source of each task teaches."""
        found = {}
        for number, task in enumerate(self.tasks):
            means = self.training.memory[_memory(number)].mean(dim=1).tolist()
            names = [self._inputs.teachers[one.teacher].name for one in task.sources]
            labeled = [f"{place}. {name}" for place, name in enumerate(names, start=1)]
            found[task.name] = dict(zip(labeled, means, strict=True))
        return found

    def numbers(self) -> Mapping[str, float]:
        """The shares, by the numbers of task and source."""
        return {
            f"task_{task}_source_{source}_share": share
            for task, shares in enumerate(self.shares().values(), start=1)
            for source, share in enumerate(shares.values(), start=1)
        }

    def pictures(self) -> Mapping[str, bytes]:
        """Who teaches how much."""
        return {SELECTION: selection_picture(self.shares())}

    def _told(self) -> str:
        """What the student hears, and whom it does not."""
        parts = []
        for number, (name, shares) in enumerate(self.shares().items()):
            told = ", ".join(
                f"{source} {share:.1%}{'' if place in self._voices[number] else ' (left out)'}"
                for place, (source, share) in enumerate(shares.items())
            )
            parts.append(f"{name}: {told}")
        images = len(self._inputs.images)
        return f"answers on {images} images; {'; '.join(parts)}"[:2000]


def _memory(number: int) -> str:
    """Where a task's weights are remembered."""
    return f"weights_{number}"


def head_of(teachers: Sequence[Teacher], tasks: Sequence[Assignment], student: Student) -> Head:
    """All labels of the tasks, in the order of the tasks or of the student.

    Raises:
        NotTeachableError: The student names other labels.
    """
    labels = [label for task in tasks for label in task.labels]
    if student.labels is not None and sorted(student.labels) != sorted(labels):
        raise NotTeachableError(
            "the student's labels are not those of the tasks",
            remedy="leave student.labels out, or name the labels of all tasks in any order",
        )
    return Head.of(teachers, student.labels or labels)
