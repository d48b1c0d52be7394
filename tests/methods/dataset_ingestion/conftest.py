"""The ingestion of an upload, as its job runs it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.core.catalog.dataset_ingestion import DatasetIngestionParams
from service.core.manifest import DatasetManifest
from tests.methods.dataset_ingestion.uploads import LIMITS
from workers.methods.dataset_ingestion import (
    DatasetIngestionData,
    DatasetIngestionResult,
    Limits,
    run,
)
from workers.methods.dataset_ingestion.upload_reader import ClipStock
from workers.torchkit.protocols import silent


@pytest.fixture
def taken_in(tmp_path: Path) -> Callable[..., DatasetIngestionResult]:
    def take_in(
        upload: bytes,
        *,
        limits: Limits = LIMITS,
        filename: str = "owls.zip",
        stock: ClipStock | None = None,
        **manifest: object,
    ) -> DatasetIngestionResult:
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "upload").write_bytes(upload)
        inputs = DatasetIngestionData(
            file=tmp_path / "upload",
            filename=filename,
            manifest=DatasetManifest(name="owls", **manifest),
            limits=limits,
            folder=tmp_path / "out",
            stock=stock,
        )
        return run(inputs, DatasetIngestionParams(), silent)

    return take_in
