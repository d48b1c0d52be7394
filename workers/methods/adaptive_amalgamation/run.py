"""Trains one component per task, then one student on all components."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import nn

from service.core.catalog.adaptive_amalgamation import AdaptiveAmalgamationParams
from service.core.catalog.training import Student, StudentArchitecture
from service.core.counts import counted
from workers.methods.adaptive_amalgamation.alignment import (
    Adaptor,
    AlignedSpace,
    paired,
)
from workers.methods.adaptive_amalgamation.pictures import selection_picture
from workers.methods.adaptive_amalgamation.selection import (
    answers_of,
    selected_sources,
    weights_of,
)
from workers.methods.adaptive_amalgamation.steps import (
    ComponentStep,
    Learner,
    SelectedSource,
    StudentStep,
)
from workers.methods.adaptive_amalgamation.tasks import Assignment, Source, assignments
from workers.programs import ProgramLayer
from workers.torchkit.protocols import Report, TrainingReport
from workers.torchkit.training.loop import Training, TrainingStage
from workers.torchkit.training.students import (
    StudentNetwork,
    own_input,
    require_answers,
    require_maps,
    student_network,
)
from workers.torchkit.training.taps import last_of_every_size, maps_of, named_maps
from workers.torchkit.training.task import ImageInputs, TrainingResult, complete
from workers.torchkit.training.teachers import Head, NotTeachableError, Teacher

SELECTION = "selection.png"


def run(
    inputs: ImageInputs, params: AdaptiveAmalgamationParams, report: TrainingReport
) -> TrainingResult:
    """The student, evaluated after its last training step.

    Raises:
        NotTeachableError: No teacher has all labels of a task, or teachers, tasks and layers do
            not match.
        BadStudentError: The student cannot have this architecture.
        DivergedError: Losses stopped being finite.
    """
    return complete(AdaptiveAmalgamationTask(inputs, params, report), inputs, params, report)


class AdaptiveAmalgamationTask:
    """Sources, components and student of the training stages.

    Attributes:
        tasks: Tasks of the student with their sources.
        components: One network per task, in the same order.
    """

    def __init__(
        self, inputs: ImageInputs, params: AdaptiveAmalgamationParams, report: Report
    ) -> None:
        self._inputs, self._params = inputs, params
        self.tasks = assignments(inputs.teachers, params.tasks)
        self.head = head_of(inputs.teachers, self.tasks, params.student)
        first = inputs.teachers[0]
        self.task, self._device = first.task, first.program.device
        self.spec = own_input(first.input, params.student)
        generator = torch.Generator().manual_seed(params.seed)
        self.student = self._new_network(
            params.student, len(self.head.labels), generator, inputs.start
        )
        self.components = [
            self._new_network(params.between(), len(task.labels), generator, None)
            for task in self.tasks
        ]
        self.training = Training({}, generator)
        self._choose(generator, report)
        self._sources = [self._selected_sources(number) for number in range(len(self.tasks))]
        self._alignments = [
            self._aligned(*pair, generator)
            for pair in zip(self.components, self._sources, strict=True)
        ]
        self._adaptors = self._adapted(generator)
        self.training.networks = self._networks()
        self.trained_on = self._describe_training()

    def _choose(self, generator: torch.Generator, report: Report) -> None:
        """Stores the source weights (source, image) of every task in the training's memory."""

        @cache
        def answers(number: int) -> torch.Tensor:
            """All outputs of a teacher, which may be a source of several tasks."""
            teacher = self._inputs.teachers[number]
            report(0, self._params.budget.steps or 0, f"evaluating {teacher.name}")
            return answers_of(teacher, self._inputs.images)

        for number, task in enumerate(self.tasks):
            self.training.memory[_memory(number)] = weights_of(
                task,
                self._inputs.images,
                self._params,
                outputs_of=lambda source: answers(source.teacher),
                kind=self.task,
                generator=generator,
            )

    def _new_network(
        self,
        architecture: Student,
        labels: int,
        generator: torch.Generator,
        start: Mapping[str, torch.Tensor] | None,
    ) -> StudentNetwork:
        """A network with one logit per label of an image, on the device."""
        network = student_network(
            architecture, self.spec, labels=labels, generator=generator, start=start
        )
        require_answers(network, self.spec, self.task)
        if self._params.feature_weight > 0:
            require_maps(network)
        return network.to(self._device)

    def _selected_sources(self, number: int) -> dict[int, SelectedSource]:
        """The selected sources of a task, by their index among its sources."""
        sources = self.tasks[number].sources
        weights = self.training.memory[_memory(number)]
        return {
            index: self._selected_source(sources[index]) for index in selected_sources(weights)
        }

    def _selected_source(self, source: Source) -> SelectedSource:
        teacher = self._inputs.teachers[source.teacher]
        layers = [] if self._params.feature_weight == 0 else self._taps(source.teacher, teacher)
        return SelectedSource(teacher, source.columns, tuple(layers))

    def _taps(self, number: int, teacher: Teacher) -> list[ProgramLayer]:
        """The teacher's layers aligned with the component's blocks, last with last."""
        teacher_layers, program = self._params.teacher_layers, teacher.program
        if teacher_layers is None:
            layers = last_of_every_size(maps_of(program))
        elif len(teacher_layers) == len(self._inputs.teachers):
            layers = named_maps(program, teacher_layers[number])
        else:
            raise NotTeachableError(
                f"teacher_layers lists {counted(len(teacher_layers), 'teacher')}, but there are"
                f" {len(self._inputs.teachers)}",
                remedy="pass one list of layers per teacher, in their order",
            )
        return layers[-len(self.components[0].blocks) :]

    def _aligned(
        self,
        component: StudentNetwork,
        sources: Mapping[int, SelectedSource],
        generator: torch.Generator,
    ) -> nn.ModuleList:
        """One alignment per selected source of a component."""
        pairs = [
            paired(component.channels, [layer.shape[0] for layer in source.layers])
            for source in sources.values()
        ]
        return nn.ModuleList(AlignedSpace(channels, generator) for channels in pairs).to(
            self._device
        )

    def _adapted(self, generator: torch.Generator) -> nn.ModuleList:
        """One adaptor per component."""
        learner = self.student.channels if self._params.feature_weight > 0 else ()
        pairs = [paired(learner, component.channels) for component in self.components]
        return nn.ModuleList(Adaptor(channels, generator) for channels in pairs).to(self._device)

    def _networks(self) -> dict[str, nn.Module]:
        networks: dict[str, nn.Module] = {"student": self.student, "adaptors": self._adaptors}
        for number, component in enumerate(self.components):
            networks[f"component_{number}"] = component
            networks[f"alignments_{number}"] = self._alignments[number]
        return networks

    def stages(self) -> Sequence[TrainingStage]:
        """One stage per task, then one for the student, each with as many passes over the images.

        A step of a component takes one batch per source, a step of the student one batch.
        """
        steps = [self._component_step(number) for number in range(len(self.tasks))]
        firsts = [
            TrainingStage(task.name, 1 / len(step.sources), step.begin)
            for task, step in zip(self.tasks, steps, strict=True)
        ]
        return [*firsts, TrainingStage("student", 1.0, self._student_step().begin)]

    def _component_step(self, number: int) -> ComponentStep:
        return ComponentStep(
            self.training,
            self._params,
            self._inputs.images,
            Learner(self.components[number], self.spec),
            self._sources[number],
            self._alignments[number],
            _memory(number),
        )

    def _student_step(self) -> StudentStep:
        label_index = {label: index for index, label in enumerate(self.head.labels)}
        return StudentStep(
            self.training,
            self._params,
            self._inputs.images,
            Learner(self.student, self.spec),
            [Learner(component, self.spec) for component in self.components],
            [[label_index[label] for label in task.labels] for task in self.tasks],
            self._adaptors,
        )

    def shares(self) -> dict[str, dict[str, float]]:
        """Share of the images that each source teaches, by task and source."""
        shares = {}
        for number, task in enumerate(self.tasks):
            means = self.training.memory[_memory(number)].mean(dim=1).tolist()
            names = [self._inputs.teachers[source.teacher].name for source in task.sources]
            labeled = [
                f"{number_of_source}. {name}"
                for number_of_source, name in enumerate(names, start=1)
            ]
            shares[task.name] = dict(zip(labeled, means, strict=True))
        return shares

    def numbers(self) -> Mapping[str, float]:
        """The shares by task and source number, for the curve."""
        return {
            f"task_{task}_source_{source}_share": share
            for task, shares in enumerate(self.shares().values(), start=1)
            for source, share in enumerate(shares.values(), start=1)
        }

    def recipe(self) -> Mapping[str, Any]:
        """The tasks, and the component networks where they are of our own architectures."""
        tasks = [{"name": task.name, "labels": task.labels} for task in self.tasks]
        between = self._params.between()
        if not isinstance(between.architecture, StudentArchitecture):
            return {"tasks": tasks}
        component = {"architecture": between.architecture, "width": between.width}
        return {"tasks": tasks, "component": component}

    def pictures(self) -> Mapping[str, bytes]:
        """The picture of the shares."""
        return {SELECTION: selection_picture(self.shares())}

    def _describe_training(self) -> str:
        """Description of the training data: the share of every source, and excluded sources."""
        parts = []
        for number, (name, shares) in enumerate(self.shares().items()):
            descriptions = ", ".join(
                f"{source} {share:.1%}{'' if index in self._sources[number] else ' (left out)'}"
                for index, (source, share) in enumerate(shares.items())
            )
            parts.append(f"{name}: {descriptions}")
        images = len(self._inputs.images)
        return f"teacher outputs on {counted(images, 'image')}; {'; '.join(parts)}"[:2000]


def _memory(number: int) -> str:
    """Name of a task's source weights in the training's memory."""
    return f"weights_{number}"


def head_of(teachers: Sequence[Teacher], tasks: Sequence[Assignment], student: Student) -> Head:
    """The head for all labels of the tasks, in the order of the tasks or of the student.

    Raises:
        NotTeachableError: The student lists other labels.
    """
    labels = [label for task in tasks for label in task.labels]
    if student.labels is not None and sorted(student.labels) != sorted(labels):
        raise NotTeachableError(
            "the student's labels differ from those of the tasks",
            remedy="omit student.labels, or list the labels of all tasks in any order",
        )
    return Head.of(teachers, student.labels or labels)
