"""Validates and packs the images of an upload."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from service.core.catalog.dataset_ingestion import DatasetIngestionParams
from service.core.errors import RefusedUploadError
from service.core.manifest import DatasetLayout, DatasetManifest, OnError
from workers.methods.dataset_ingestion.archives import tar_entries, zip_entries
from workers.methods.dataset_ingestion.entries import (
    ArchiveEntry,
    ImageProblemError,
    Limits,
    refused,
)
from workers.methods.dataset_ingestion.images import look
from workers.methods.dataset_ingestion.packing import (
    PackedImages,
    Packer,
    manifest_sha256,
    write_canonical,
)
from workers.methods.dataset_ingestion.parquet import parquet_entries
from workers.torchkit.protocols import Report

_MOST_PROBLEMS = 1000
_REMEDY = "send the images as zip, tar or Parquet"
_TAR_MAGIC_AT = 257


@dataclass(frozen=True)
class DatasetIngestionData:
    """The uploaded ``file``, its ``manifest``, the limits, and the folder to write into."""

    file: Path
    manifest: DatasetManifest
    limits: Limits
    folder: Path


@dataclass(frozen=True)
class ImageProblem:
    """Why one file of the dataset, or all of it if the name is empty, cannot be used."""

    name: str
    code: str
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class DatasetIngestionResult:
    """The dataset, or the problems for which it is rejected.

    Without ``packed_file`` the dataset is rejected and only ``problems`` is set; otherwise they
    list the skipped images. ``canonical_file`` is None for datasets too large for a probe set.
    """

    problems: tuple[ImageProblem, ...]
    images: tuple[PackedImages, ...] = ()
    labels: tuple[str, ...] | None = None
    manifest_sha256: str = ""
    packed_file: Path | None = None
    canonical_file: Path | None = None
    canonical_side: int | None = None


def run(
    inputs: DatasetIngestionData, params: DatasetIngestionParams, report: Report
) -> DatasetIngestionResult:
    """The dataset of all valid images, packed in the order of their names."""
    packed_file = inputs.folder / "images.pack"
    try:
        images, problems = _packed(inputs, packed_file, report)
    except RefusedUploadError as error:
        return DatasetIngestionResult(
            (ImageProblem("", error.code, error.detail, error.remedy or ""),)
        )
    labels = _labels(inputs.manifest, images)
    problems += _label_problems(labels, images)
    if problems and inputs.manifest.on_error is OnError.FAIL:
        return DatasetIngestionResult(tuple(problems[:_MOST_PROBLEMS]))
    usable = [image for image in images if labels is None or image.label in labels]
    if not usable:
        problems.append(ImageProblem("", "no_images", "the upload has no usable image", _REMEDY))
        return DatasetIngestionResult(tuple(problems[:_MOST_PROBLEMS]))
    return _accepted(
        inputs, usable, labels=labels, problems=problems, packed_file=packed_file, report=report
    )


def _packed(
    inputs: DatasetIngestionData, packed_file: Path, report: Report
) -> tuple[list[PackedImages], list[ImageProblem]]:
    """All valid images, sorted by name, and the problems of the others."""
    problems: list[ImageProblem] = []
    with packed_file.open("wb") as file, _entries(inputs) as entries:
        packer = Packer(file)
        for step, entry in enumerate(_unique(_limited(entries, inputs.limits), problems), start=1):
            _pack_entry(entry, packer, problems, inputs)
            report(step, step + 1, f"{step} images read")
    return sorted(packer.images, key=lambda image: image.name), problems


def _entries(inputs: DatasetIngestionData) -> AbstractContextManager[Iterable[ArchiveEntry]]:
    """The entries, from the reader for the file's first bytes."""
    with inputs.file.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"PAR1"):
        return parquet_entries(inputs.file, inputs.limits)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return zip_entries(inputs.file, inputs.limits)
    compressed = head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ"))
    if compressed or head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        return tar_entries(inputs.file, inputs.limits)
    raise refused("unknown_form", "the file is neither zip, nor tar, nor Parquet", _REMEDY)


def _limited(entries: Iterable[ArchiveEntry], limits: Limits) -> Iterator[ArchiveEntry]:
    """The entries. Raises RefusedUploadError beyond the limit of images."""
    for count, entry in enumerate(entries, start=1):
        if count > limits.images:
            raise refused(
                "too_many_images", f"a set has at most {limits.images} images", "split the set"
            )
        yield entry


def _unique(
    entries: Iterable[ArchiveEntry], problems: list[ImageProblem]
) -> Iterator[ArchiveEntry]:
    """The entries, without those whose name occurred before."""
    names: set[str] = set()
    for entry in entries:
        if entry.name in names:
            problems.append(ImageProblem(entry.name, "duplicate_name", "the name occurs twice"))
            continue
        names.add(entry.name)
        yield entry


def _pack_entry(
    entry: ArchiveEntry, packer: Packer, problems: list[ImageProblem], inputs: DatasetIngestionData
) -> None:
    """Packs one image, or records why it cannot be used."""
    flat = inputs.manifest.layout is DatasetLayout.FLAT
    try:
        data = entry.read()
        picture = look(data, inputs.limits)
    except ImageProblemError as error:
        problems.append(ImageProblem(entry.name, error.code, error.detail))
    else:
        packer.add(entry.name, None if flat else entry.label, data, picture)


def _labels(manifest: DatasetManifest, images: list[PackedImages]) -> tuple[str, ...] | None:
    """Class names in order: those of the manifest, else sorted; None for an unlabeled dataset."""
    label_names = {image.label for image in images if image.label is not None}
    if not label_names:
        return None
    return (
        manifest.labels
        if manifest.labels is not None
        else tuple(sorted(label_names, key=_natural))
    )


def _natural(label: str) -> tuple[int, int, str]:
    """Sort key: numbers in numeric order, before all other names."""
    return (0, int(label), label) if label.isdecimal() and len(label) < 10 else (1, 0, label)  # noqa: PLR2004


def _label_problems(
    labels: tuple[str, ...] | None, images: list[PackedImages]
) -> list[ImageProblem]:
    """Problems of images without a label, or with an unknown one, in a labeled dataset."""
    if labels is None:
        return []
    label_names = set(labels)
    return [
        ImageProblem(image.name, "no_label", "the image is not in a folder")
        if image.label is None
        else ImageProblem(
            image.name, "unknown_label", f"the manifest has no label {image.label!r}"
        )
        for image in images
        if image.label not in label_names
    ]


def _accepted(
    inputs: DatasetIngestionData,
    images: list[PackedImages],
    *,
    labels: tuple[str, ...] | None,
    problems: list[ImageProblem],
    packed_file: Path,
    report: Report,
) -> DatasetIngestionResult:
    """The dataset, with canonical frames if it is small enough to be a probe set."""
    canonical, side = None, None
    if len(images) <= inputs.limits.probe_images:
        canonical = inputs.folder / "canonical.npy"

        def done(count: int) -> None:
            report(count, len(images), "canonical frames")

        side = write_canonical(images, packed_file, canonical, done=done)
    return DatasetIngestionResult(
        problems=tuple(problems[:_MOST_PROBLEMS]),
        images=tuple(images),
        labels=labels,
        manifest_sha256=manifest_sha256(images, labels),
        packed_file=packed_file,
        canonical_file=canonical,
        canonical_side=side,
    )
