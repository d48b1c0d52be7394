"""Ids: ULIDs with a prefix for their kind, sortable by creation time."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema
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
    UNIT_RESPONSES = "unr"
    CONCEPT_SEARCH = "cps"
    KEY = "key"


def id_pattern(kind: IdKind) -> str:
    """The regular expression of all ids of a kind."""
    return f"^{kind}_[0-9A-HJKMNP-TV-Z]{{26}}$"


def new_id(kind: IdKind) -> str:
    """A new id such as ``mdl_01J...``."""
    return f"{kind}_{ULID()}"


LONGEST_REFERENCE = 300
"""Characters of an id, or of a name with its version or alias."""
_NAMED_KINDS = frozenset({IdKind.MODEL, IdKind.DATASET})


@dataclass(frozen=True)
class IdOf:
    """Marks a field as the id of a row of the caller's project; decides its pattern and its format.

    Models and datasets may be named instead; see ``service.core.operations.names``, which finds
    every field that has this mark, as ``owned_rows.require_references`` does.
    """

    kind: IdKind

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Text with the prefix of the kind, or any name."""
        if self.kind in _NAMED_KINDS:
            return core_schema.str_schema(
                min_length=1, max_length=LONGEST_REFERENCE, pattern=r"^[^\x00]*$"
            )
        return core_schema.str_schema(pattern=rf"^{self.kind}_[0-9A-Za-z_]{{1,60}}$")

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The same with a format such as ``model-id``, for which forms offer a choice."""
        noun = self.kind.name.lower().replace("_", "-")
        return {**handler(schema), "format": f"{noun}-id"}


ModelId = Annotated[str, IdOf(IdKind.MODEL)]
DatasetId = Annotated[str, IdOf(IdKind.DATASET)]
UploadId = Annotated[str, IdOf(IdKind.UPLOAD)]
RankingId = Annotated[str, IdOf(IdKind.RANKING)]
LayerSelectionId = Annotated[str, IdOf(IdKind.LAYER_SELECTION)]
ConceptSearchId = Annotated[str, IdOf(IdKind.CONCEPT_SEARCH)]
MapId = Annotated[str, IdOf(IdKind.MAP)]
