"""Method ``dataset_ingestion``: an archive or a Parquet file of images becomes an indexed dataset.

Every image is bounded before decoding and decoded once; problems are reported by image name. The
result is one file with all images, their index and, for datasets small enough to be probe sets,
the canonical frames that measurements read.
"""

from workers.methods.dataset_ingestion.entries import Limits
from workers.methods.dataset_ingestion.run import DatasetIngestionData, DatasetIngestionResult, run

__all__ = ["DatasetIngestionData", "DatasetIngestionResult", "Limits", "run"]
