"""Concepts are searched over gRPC as over REST: the same search, the same units, the same refusals."""

import grpc
import pytest

from service.core.operations.concepts import searches
from service.core.tables import ConceptSearchRecord
from service.rpc.stubs.zoo.v1 import concept_service_pb2 as wire
from tests.rest.served import MANIFEST, a_dataset, a_model, some_responses
from tests.rest.test_concept_searches import round_of
from tests.rpc.channels import Dialled, refusal


@pytest.fixture
def zoo_ids(dialled: Dialled) -> dict[str, str]:
    manifest = {**MANIFEST, "classes": ["tabby cat", "beagle"]}
    with dialled.zoo.transaction() as session:
        probes, cats = a_dataset(dialled.zoo, session), a_dataset(dialled.zoo, session)
        fox = a_model(session, name="fox", output_kind="vector", manifest=manifest)
        some_responses(dialled.zoo, session, fox, probes)
        return {"probes": probes.id, "cats": cats.id, "fox": fox.id}


def test_a_search_is_pending_then_ready_and_units_are_found(
    dialled: Dialled, zoo_ids: dict[str, str]
) -> None:
    call = dialled.concepts
    ask = wire.SearchConceptRequest(
        dataset_id=zoo_ids["cats"], probe_set_id=zoo_ids["probes"], check=0
    )
    first = call.SearchConcept(ask).search
    with dialled.zoo.transaction() as session:
        search = session.get_one(ConceptSearchRecord, first.id)
        searches.advance(session, search, round_of(zoo_ids["fox"], 0.9))

    last = call.GetConceptSearch(wire.GetConceptSearchRequest(id=first.id)).search
    listed = call.ListConceptSearches(wire.ListConceptSearchesRequest()).items
    named = call.ListUnits(wire.ListUnitsRequest(q="beagle")).items
    near = call.ListSimilarUnits(
        wire.ListSimilarUnitsRequest(id="fox", unit=0, dataset_id=zoo_ids["probes"])
    )

    assert first.state == wire.CONCEPT_SEARCH_STATE_PENDING
    assert last.state == wire.CONCEPT_SEARCH_STATE_READY
    assert (last.units[0].class_name, last.units[0].auc) == ("beagle", 0.9)
    assert [item.id for item in listed] == [first.id]
    assert [(unit.name, unit.unit) for unit in named] == [("fox", 1)]
    assert [(unit.unit, unit.class_name) for unit in near.items] == [(1, "beagle")]


def test_refusals_carry_the_same_codes(dialled: Dialled, zoo_ids: dict[str, str]) -> None:
    same = wire.SearchConceptRequest(
        dataset_id=zoo_ids["cats"], negatives_id=zoo_ids["cats"], probe_set_id=zoo_ids["probes"]
    )

    contrast = refusal(dialled.concepts.SearchConcept, same)
    missing = refusal(dialled.concepts.GetConceptSearch, wire.GetConceptSearchRequest(id="cps_0"))

    assert (contrast.status, contrast.code) == (grpc.StatusCode.INVALID_ARGUMENT, "no_contrast")
    assert (missing.status, missing.code) == (
        grpc.StatusCode.NOT_FOUND,
        "concept_search_not_found",
    )
