"""Method ``dataset_ingestion``: an archive of images or clips becomes an indexed dataset.

Every image is bounded before decoding and decoded once; problems are reported by image name. The
result is one file with all images, their index, notes on what was assumed and, for datasets small
enough to be probe sets, the canonical frames that measurements read, with their masks if there are.
Clips are decoded to lip crops and log-mel frames, and packed with their pictures.
"""

from workers.methods.dataset_ingestion.entries import Limits
from workers.methods.dataset_ingestion.result import DatasetIngestionResult
from workers.methods.dataset_ingestion.run import run
from workers.methods.dataset_ingestion.upload_reader import DatasetIngestionData

__all__ = ["DatasetIngestionData", "DatasetIngestionResult", "Limits", "run"]
