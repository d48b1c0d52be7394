"""Ids: ULIDs with a prefix for their kind, sortable by creation time."""

from enum import StrEnum

from ulid import ULID


class IdKind(StrEnum):
    """The prefix of an id, by kind."""

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
    """A new id such as ``mdl_01J...``."""
    return f"{kind}_{ULID()}"
