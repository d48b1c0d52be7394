"""What the ingestion of an upload results in."""

from dataclasses import dataclass
from pathlib import Path

from workers.methods.dataset_ingestion.appearance import Appearance
from workers.methods.dataset_ingestion.clips.packing import PackedClip
from workers.methods.dataset_ingestion.entries import ImageProblem
from workers.methods.dataset_ingestion.notes import DatasetNote
from workers.methods.dataset_ingestion.packing import PackedImages


@dataclass(frozen=True)
class DatasetIngestionResult:
    """The dataset, or the problems for which it is rejected.

    Without ``packed_file`` the dataset is rejected and only ``problems`` and ``notes`` are set;
    otherwise they list the skipped images or clips. ``canonical_file`` and ``appearance`` are None for
    datasets too large for a probe set.
    """

    problems: tuple[ImageProblem, ...]
    notes: tuple[DatasetNote, ...] = ()
    images: tuple[PackedImages, ...] = ()
    labels: tuple[str, ...] | None = None
    manifest_sha256: str = ""
    packed_file: Path | None = None
    canonical_file: Path | None = None
    canonical_side: int | None = None
    appearance: Appearance | None = None
    masks_file: Path | None = None
    clips: tuple[PackedClip, ...] = ()
