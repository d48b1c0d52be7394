"""Classes of the packed images, and what is wrong with or remarkable about the whole set."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from service.core.counts import counted, plural
from service.core.file_names import LONGEST_PATH
from service.core.manifest import OnError
from workers.methods.dataset_ingestion.entries import ImageProblem, refused
from workers.methods.dataset_ingestion.notes import NoteCollector
from workers.methods.dataset_ingestion.packing import PackedImages

MOST_PROBLEMS = 1000
_MOST_CLASSES = 100_000
_SHOWN_OF_LABEL = 60
_LONGEST_NUMBER = 10
_SHOWN = 10
_LABEL = (
    "give the image a folder, or a row in the label file; images without labels need"
    " `layout` = flat (`--layout flat`)"
)
_SKIP = "leave such files out: `on_error` = skip (`--on-error skip`)"


def with_alike_labels(images: Sequence[PackedImages]) -> list[PackedImages]:
    """The images; if one has a list of labels, all have lists."""
    if not any(isinstance(image.label, tuple) for image in images):
        return list(images)
    return [
        replace(image, label=(image.label,)) if isinstance(image.label, str) else image
        for image in images
    ]


def labels_of(image: PackedImages) -> tuple[str, ...]:
    """The labels of an image: none, one or several."""
    if isinstance(image.label, tuple):
        return image.label
    return () if image.label is None else (image.label,)


def classes_of(
    images: Sequence[PackedImages], stated: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """Class names in the order that is stated, else sorted; None for an unlabeled dataset."""
    names = {label for image in images for label in labels_of(image)}
    if not names:
        return None
    return stated if stated is not None else tuple(sorted(names, key=_natural))


def label_problems(
    classes: tuple[str, ...] | None, images: Sequence[PackedImages]
) -> Iterator[ImageProblem]:
    """Problems of images without a label, or with an unknown one, in a labeled dataset."""
    if classes is None:
        return
    known_labels = set(classes)
    unknown = Counter(
        label for image in images for label in labels_of(image) if label not in known_labels
    )
    for image in images:
        if image.label is None:
            detail = "no folder, label file or column gives the image a label, and others have one"
            yield ImageProblem(image.name, "no_label", detail, _LABEL)
        elif label := next((label for label in labels_of(image) if label in unknown), None):
            detail = (
                f"the class {label!r} is not among the labels of the manifest or the file:"
                f" {shortened(classes)}"
            )
            yield ImageProblem(image.name, "unknown_label", detail, _completed(unknown))


def _completed(unknown: Mapping[str, int]) -> str:
    """What makes the classes of the images known; each with its number of images."""
    missing = shortened([f"{name} ({count})" for name, count in sorted(unknown.items())])
    return (
        f"add to `labels` (`--label`) of the manifest what is missing: {missing}; or omit `labels`,"
        " so that every class counts"
    )


def shortened(names: Sequence[str]) -> str:
    """The first ten names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def note_copies(images: Sequence[PackedImages], notes: NoteCollector) -> None:
    """Notes exact copies, and those whose original has another label."""
    originals: dict[str, PackedImages] = {}
    for image in images:
        original = originals.setdefault(image.sha256, image)
        if original is image:
            continue
        notes.add("duplicates", "exact copies of other images of the set", image.name)
        if original.label != image.label:
            detail = "exact copies of images with another label"
            notes.add("contradicting_duplicates", detail, image.name)


def note_similar(classes: Sequence[str], notes: NoteCollector) -> None:
    """Notes classes whose names differ in case or in spaces only."""
    first: dict[str, str] = {}
    for name in classes:
        other = first.setdefault(" ".join(name.split()).casefold(), name)
        if other != name:
            detail = f"the classes {other!r} and {name!r} differ in case or spaces only"
            notes.add("similar_labels", detail)


def listed(
    problems: Sequence[ImageProblem], *, files: int, on_error: OnError, noun: str = "image"
) -> tuple[ImageProblem, ...]:
    """A summary, the first problems, and how many more there are."""
    if not problems:
        return ()
    rest = len(problems) - MOST_PROBLEMS
    more = (
        [
            ImageProblem(
                "", "more_problems", f"{counted(rest, 'more file')} of the upload cannot be used"
            )
        ]
        if rest > 0
        else []
    )
    return (_summary(problems, files, on_error, noun), *problems[:MOST_PROBLEMS], *more)


def _summary(
    problems: Sequence[ImageProblem], files: int, on_error: OnError, noun: str
) -> ImageProblem:
    """How many of how many files cannot be used, and which is the first."""
    first = problems[0]
    detail = (
        f"{len(problems)} of {counted(files, noun)} cannot be used; the first is"
        f" {first.name or 'the upload'}: {first.detail}"
    )
    if on_error is OnError.SKIP:
        return ImageProblem("", f"{plural(noun)}_skipped", detail, first.remedy)
    remedy = f"{first.remedy or 'repair or remove them'}; or {_SKIP}"
    return ImageProblem("", f"{plural(noun)}_refused", detail, remedy)


def require_readable_labels(images: Sequence[PackedImages]) -> None:
    """Refuses labels that are texts instead of names, and more classes than a set can have.

    Raises:
        RefusedUploadError: ``label_too_long``, ``too_many_classes``.
    """
    names: set[str] = set()
    for image in images:
        for label in labels_of(image):
            if len(label) > LONGEST_PATH:
                raise refused(
                    "label_too_long",
                    f"the label of {image.name} has {len(label)} characters, {LONGEST_PATH} are"
                    f" allowed; it begins with {label[:_SHOWN_OF_LABEL]!r}",
                    "set `label_column` (`--label-column`) to a column of names or numbers",
                )
            names.add(label)
    if len(names) > _MOST_CLASSES:
        raise refused(
            "too_many_classes",
            f"the images have {len(names)} different labels, {_MOST_CLASSES} are allowed",
            "set `label_column` (`--label-column`) to a column with fewer classes",
        )


def _natural(label: str) -> tuple[int, int, str]:
    """Sort key: numbers in numeric order, before all other names."""
    is_number = label.isdecimal() and len(label) < _LONGEST_NUMBER
    return (0, int(label), label) if is_number else (1, 0, label)
