"""Validates and packs the images or the clips of an upload."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from service.core.catalog.dataset_ingestion import DatasetIngestionParams
from service.core.counts import counted
from service.core.errors import RefusedUploadError
from service.core.manifest import DatasetKind, DatasetLayout, OnError
from workers.methods.dataset_ingestion.appearance import appearance_of
from workers.methods.dataset_ingestion.clips.retranscribed import run_transcripts
from workers.methods.dataset_ingestion.clips.run import run_clips
from workers.methods.dataset_ingestion.entries import (
    ArchiveEntry,
    ImageProblem,
    ImageProblemError,
    Limits,
    refused,
    without_repeats,
)
from workers.methods.dataset_ingestion.findings import (
    classes_of,
    label_problems,
    listed,
    note_copies,
    note_similar,
    require_readable_labels,
    with_alike_labels,
)
from workers.methods.dataset_ingestion.images import look
from workers.methods.dataset_ingestion.masks import (
    MaskClasses,
    MaskPacker,
    PackedMask,
    append_masks,
    mask_classes,
    write_masks,
)
from workers.methods.dataset_ingestion.notes import NoteCollector
from workers.methods.dataset_ingestion.packing import (
    PackedImages,
    Packer,
    manifest_sha256,
    write_canonical,
)
from workers.methods.dataset_ingestion.result import DatasetIngestionResult
from workers.methods.dataset_ingestion.upload_reader import (
    UNREADABLE,
    DatasetIngestionData,
    opened_upload,
)
from workers.torchkit.protocols import Report

_PACKED, _MASKS_PACKED = "images.pack", "masks.pack"


@dataclass
class _Reading:
    """What was read: images so far, problems and notes, and the classes that the upload states."""

    notes: NoteCollector
    images: list[PackedImages]
    problems: list[ImageProblem]
    classes: tuple[str, ...] | None = None
    masks: Mapping[str, PackedMask] = field(default_factory=dict)


def run(
    inputs: DatasetIngestionData, params: DatasetIngestionParams, report: Report
) -> DatasetIngestionResult:
    """The dataset of all valid images or clips, packed in the order of their names."""
    if inputs.stock is not None:
        return run_transcripts(inputs, inputs.stock, report)
    if inputs.manifest.kind is DatasetKind.CLIPS:
        return run_clips(inputs, report)
    return _run_images(inputs, report)


def _run_images(inputs: DatasetIngestionData, report: Report) -> DatasetIngestionResult:
    """The dataset of all valid images."""
    reading = _Reading(NoteCollector(), [], [])
    try:
        _pack(inputs, reading, report)
    except RefusedUploadError as error:
        named = f"{inputs.filename or 'the upload'}: {error.detail}"
        problem = ImageProblem("", error.code, named, error.remedy or "")
        return DatasetIngestionResult((problem,), reading.notes.collected())
    stated = inputs.manifest.labels or reading.classes
    pixels = mask_classes(reading.masks, stated) if reading.masks else None
    classes = pixels.names if pixels else classes_of(reading.images, stated)
    files = len(reading.images) + len(reading.problems)
    unlabeled = list(
        pixels.problems(reading.masks) if pixels else label_problems(classes, reading.images)
    )
    problems = reading.problems + unlabeled
    problem_list = listed(problems, files=files, on_error=inputs.manifest.on_error)
    refused_names = {problem.name for problem in unlabeled}
    usable = [image for image in reading.images if image.name not in refused_names]
    if pixels and len(usable) > inputs.limits.probe_images:
        return DatasetIngestionResult((_too_many_masks(inputs.limits),), reading.notes.collected())
    if problems and inputs.manifest.on_error is OnError.FAIL:
        return DatasetIngestionResult(problem_list, reading.notes.collected())
    if not usable:
        nothing = ImageProblem("", "no_images", "the upload has no usable image", UNREADABLE)
        return DatasetIngestionResult((*problem_list, nothing), reading.notes.collected())
    _note_set(usable, classes, reading, inputs.manifest.layout)
    return _accepted(
        inputs,
        usable,
        classes=pixels or classes,
        problems=problem_list,
        reading=reading,
        report=report,
    )


def _too_many_masks(limits: Limits) -> ImageProblem:
    return ImageProblem(
        "",
        "too_many_images",
        f"a set of masks has at most {limits.probe_images} images",
        "split the set, or raise ZOO_MAX_PROBE_IMAGES where the workers run",
    )


def _note_set(
    images: list[PackedImages],
    classes: tuple[str, ...] | None,
    reading: _Reading,
    layout: DatasetLayout,
) -> None:
    """Notes copies, similar classes, and that there are no labels."""
    note_copies(images, reading.notes)
    note_similar(classes or (), reading.notes)
    if classes is None and layout is not DatasetLayout.FLAT and reading.classes is None:
        reading.notes.add("no_labels", "no folder, label file or column gives the images labels")
    if classes is None and reading.classes is not None:
        reading.notes.add(
            "no_labels", "no image has a label, as in the test split of a public set"
        )


def _pack(inputs: DatasetIngestionData, reading: _Reading, report: Report) -> None:
    """Packs all valid images, sorted by name; collects the problems of the others."""
    with (
        (inputs.folder / _PACKED).open("wb") as file,
        (inputs.folder / _MASKS_PACKED).open("wb") as mask_file,
        opened_upload(inputs, reading.notes) as upload,
    ):
        reading.classes = upload.classes
        reading.problems += upload.problems
        packer, masks = Packer(file), MaskPacker(mask_file)
        entries = without_repeats(_limited(upload.entries, inputs.limits), reading.problems)
        for step, entry in enumerate(entries, start=1):
            _pack_entry(entry, (packer, masks), reading, inputs)
            report(step, step + 1, f"{counted(step, 'image')} read")
    reading.masks = masks.masks
    images = sorted(packer.images, key=lambda image: image.name)
    reading.images = with_alike_labels(images)
    require_readable_labels(reading.images)


def _limited(entries: Iterable[ArchiveEntry], limits: Limits) -> Iterator[ArchiveEntry]:
    """The entries. Raises RefusedUploadError beyond the limit of images."""
    for count, entry in enumerate(entries, start=1):
        if count > limits.images:
            raise refused(
                "too_many_images",
                f"the upload has more than {limits.images} images, the limit of a set",
                "split the set, or raise ZOO_MAX_DATASET_IMAGES where the workers run",
            )
        yield entry


def _pack_entry(
    entry: ArchiveEntry,
    packers: tuple[Packer, MaskPacker],
    reading: _Reading,
    inputs: DatasetIngestionData,
) -> None:
    """Packs one image, or records why it cannot be used."""
    flat = inputs.manifest.layout is DatasetLayout.FLAT
    packer, masks = packers
    try:
        data = entry.read()
        picture = look(data, inputs.limits)
        if entry.mask is not None:
            masks.add(entry.name, entry.mask, picture, inputs.limits)
    except ImageProblemError as error:
        problem = ImageProblem(entry.name, error.code, error.detail, error.remedy or "")
        reading.problems.append(problem)
        return
    for remark in picture.remarks:
        reading.notes.add(remark.code, remark.detail, entry.name)
    packer.add(entry.name, None if flat else entry.label, data, picture)


def _accepted(
    inputs: DatasetIngestionData,
    images: list[PackedImages],
    *,
    classes: MaskClasses | tuple[str, ...] | None,
    problems: tuple[ImageProblem, ...],
    reading: _Reading,
    report: Report,
) -> DatasetIngestionResult:
    """The dataset, with canonical frames and masks if it is small enough to be a probe set."""
    canonical, masks, side, appearance = None, None, None, None
    packed_file = inputs.folder / _PACKED
    if len(images) <= inputs.limits.probe_images:
        canonical = inputs.folder / "canonical.npy"

        def done(count: int) -> None:
            report(count, len(images), "canonical frames")

        side = write_canonical(images, packed_file, canonical, done=done)
        appearance = appearance_of(canonical)
        if isinstance(classes, MaskClasses):
            masks = inputs.folder / "masks.npy"
            packed = inputs.folder / _MASKS_PACKED
            write_masks(
                images, reading.masks, packed=packed, target=masks, side=side, classes=classes
            )
            images = append_masks(
                images, reading.masks, packed=packed, target=packed_file, classes=classes
            )
    names = classes.names if isinstance(classes, MaskClasses) else classes
    digests = {name: mask.sha256 for name, mask in reading.masks.items()}
    return DatasetIngestionResult(
        problems=problems,
        notes=reading.notes.collected(),
        images=tuple(images),
        labels=names,
        manifest_sha256=manifest_sha256(images, names, digests),
        packed_file=packed_file,
        canonical_file=canonical,
        canonical_side=side,
        appearance=appearance,
        masks_file=masks,
    )
