"""Prefixed ULIDs: sortable by creation, telling by sight what they name."""

from enum import StrEnum

from ulid import ULID


class IdKind(StrEnum):
    """The prefix that says what an id names."""

    MODEL = "mdl"
    DATASET = "dst"
    UPLOAD = "upl"
    JOB = "job"
    RANKING = "rnk"
    LAYER_SELECTION = "lay"
    GRAPH = "grf"
    ARTIFACT = "art"
    MAP = "map"
    ACCURACY = "acc"
    ESTIMATE = "est"
    KEY = "key"


def new_id(kind: IdKind) -> str:
    """A fresh id such as ``mdl_01J...``."""
    return f"{kind}_{ULID()}"
