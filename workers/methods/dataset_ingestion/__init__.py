"""The intake check of images: an archive or a Parquet file becomes an indexed set.

Every image is named, bounded before it is decoded, and decoded once; what is wrong is reported by
name. Out come one file with all images end to end, their index, and, for sets small enough to be
probe sets, the canonical frames that measurements read.
"""

from workers.methods.dataset_ingestion.entries import Limits
from workers.methods.dataset_ingestion.run import Inputs, Result, run

__all__ = ["Inputs", "Limits", "Result", "run"]
