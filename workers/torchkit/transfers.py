"""A network of the zoo, cut at a layer, that learns a labelled set: whole, or its head alone."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor
from torch.nn import functional

from service.core.catalogue.training import Course
from service.core.errors import MethodError
from service.core.manifest import InputSpec, ModelFormat, ModelManifest, Task, TaskKind
from workers.contract import TrainingReport
from workers.programs import Program
from workers.programs.trainable import Probed, TrainableProgram, features_of
from workers.torchkit.canonical import Preprocessing, to_network_input
from workers.torchkit.courses import Numbers
from workers.torchkit.curves import curve_picture
from workers.torchkit.lessons import accuracy, held_out, shifted
from workers.torchkit.outcomes import Trained

_AT_ONCE = 256
_FEWEST_LABELS = 2


class NotTransferableError(MethodError):
    """The network cannot go on learning, or the set cannot be learned from."""

    code = "not_transferable"


@dataclass(frozen=True)
class Source:
    """A network to start from and a labelled set as canonical frames.

    Attributes:
        name: What to call the new network.
        layer: Where the source is cut.
        labels: Position of each image's class in ``classes``; negative where it has none.
    """

    name: str
    source: Program
    input: InputSpec
    layer: str
    images: UInt8[Tensor, "image side side 3"]
    labels: Int64[Tensor, " image"]
    classes: tuple[str, ...]


class Transfer:
    """Student and images, split once by the course's seed. Raises NotTransferableError."""

    def __init__(self, source: Source, course: Course) -> None:
        _require_fit(source)
        self._source, self._course = source, course
        self.generator = torch.Generator().manual_seed(course.seed)
        known = source.labels >= 0
        images, labels = source.images[known], source.labels[known]
        kept = held_out(labels, share=course.held_out, generator=self.generator)
        self.lessons, self.lesson_labels = images[~kept], labels[~kept]
        self.exam, self.exam_labels = images[kept], labels[kept]
        self.body = TrainableProgram(source.source, source.layer)
        self.lesson_features = self.features(self.lessons)
        self.student = Probed(self.body, self.lesson_features, labels=len(source.classes))
        self.student.to(source.source.device)

    def inputs_of(self, frames: Tensor) -> Tensor:
        """Frames as the source takes them, on its device."""
        images = to_network_input(frames, Preprocessing.of(self._source.input))
        return images.to(self._source.source.device)

    def features(self, frames: Tensor) -> Tensor:
        """Frozen features of frames, on the source's device."""
        parts = frames.split(_AT_ONCE)  # type: ignore[no-untyped-call]
        return torch.cat([features_of(self.body, self.inputs_of(part)) for part in parts])

    def drawn(self) -> Tensor:
        """Places of one batch of lessons."""
        size = min(self._course.batch_size, len(self.lessons))
        return torch.randperm(len(self.lessons), generator=self.generator)[:size]

    def moved(self, places: Tensor) -> Tensor:
        """These lessons, shifted, as inputs."""
        return shifted(self.inputs_of(self.lessons[places]), generator=self.generator)

    def loss(self, logits: Tensor, places: Tensor) -> dict[str, Tensor]:
        """Cross-entropy of these lessons."""
        labels = self.lesson_labels[places].to(logits.device)
        return {"label": functional.cross_entropy(logits, labels)}

    def quality(self) -> Numbers:
        """Accuracy on held-out images."""
        with torch.no_grad():
            logits = self.student.answer(self.features(self.exam)).cpu()
        return {"accuracy": float(accuracy(logits, self.exam_labels))}

    def learn(
        self,
        groups: dict[float, list[Tensor]],
        loss_of_step: Callable[[], dict[str, Tensor]],
        report: TrainingReport,
    ) -> Trained:
        """Take all steps, then measure what came of the last one."""
        optimizer = adamw(groups, self._course)
        training = Training({"student": self.student}, optimizer, self.generator)
        train(training, self._course, loss_of_step, evaluate=self.quality, report=report)
        commonest = self.lesson_labels.bincount().argmax()
        source = self._source.source
        return Trained(
            network=self._at_home(),
            manifest=_manifest(self._source),
            quality={
                **self.quality(),
                "chance": float((self.exam_labels == commonest).float().mean()),
            },
            history=tuple(training.history),
            trained_on=len(self.lessons),
            held_out=len(self.exam),
            teacher={"parameters": source.parameter_count, "flops": source.flops},
            seconds=training.seconds,
            curve=curve_picture(training.history),
        )

    def _at_home(self) -> Probed:
        """The student on the CPU, in evaluation mode."""
        body = TrainableProgram(self._source.source.to("cpu"), self._source.layer)
        features = self.lesson_features.cpu()
        student = Probed(body, features, labels=len(self._source.classes))
        student.load_state_dict(self.student.state_dict())
        return student.eval()


def _require_fit(source: Source) -> None:
    """Labels to learn, and a network that takes any number of images."""
    counts = source.labels[source.labels >= 0].bincount()
    if int((counts > 0).sum()) < _FEWEST_LABELS or int(counts.max()) < _FEWEST_LABELS:
        raise NotTransferableError(
            "the set has fewer than two labels, or one image of each",
            remedy="give at least two classes, and at least two images of one of them",
        )
    if source.source.batch is not None:
        raise NotTransferableError(
            f"the network takes exactly {source.source.batch} images at once",
            remedy="export it with a free batch axis; `zooscope pack` does where it can",
        )


def _manifest(source: Source) -> ModelManifest:
    return ModelManifest(
        name=source.name,
        format=ModelFormat.PT2,
        task=Task(kind=TaskKind.CLASSIFICATION, text="made from a network of the zoo"),
        input=source.input,
        classes=source.classes,
        trained_on=f"{len(source.labels)} images",
        tags=("student",),
    )
