"""Networks with related weights recognize each other; people confirm who was made from whom."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select
from torch import Tensor

from service.core.operations.families.families import families_among
from service.core.operations.families.recording import record_sketch
from service.core.operations.rankings.copies import near_copies_among, without_copies
from service.core.tables import ModelRecord, RelativeRecord
from tests.core.families.tensors import random_tensors, stored
from tests.rest.served import PROJECT, Served, a_model
from tests.rest.test_worth_of_answers import ids, rank


def added(served: Served, name: str, tensors: Sequence[Tensor], *, project: str = PROJECT) -> str:
    """The id of a ready network with these weights, whose check is recorded."""
    with served.zoo.transaction() as session:
        model = a_model(
            session, name=name, project=project, weights_sha256=f"{hash(name) % 2**63:064x}"
        )
        model.program_sha256 = model.weights_sha256
        session.flush()
        record_sketch(session, model, weights=stored(tensors), others=5)
        return model.id


def halved(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.half().float() for tensor in tensors]


def relatives(served: Served, model_id: str) -> list[dict]:
    answer = served.client.get(f"/v1/models/{model_id}/family")
    assert answer.status_code == 200, answer.text
    return answer.json()["relatives"]


def confirm(served: Served, model_id: str, **body):
    return served.client.post(f"/v1/models/{model_id}/family:confirm", json=body)


def test_both_networks_name_the_other_with_opposite_descent(served: Served):
    fox = added(served, "fox", random_tensors(0))
    hen = added(served, "hen", halved(random_tensors(0)))
    added(served, "owl", random_tensors(1))

    (of_fox,), (of_hen,) = relatives(served, fox), relatives(served, hen)

    assert (of_fox["model_id"], of_fox["relation"]) == (hen, "half_precision")
    assert (of_fox["descent"], of_hen["descent"]) == ("descendant", "ancestor")
    assert of_fox["near_copy"]
    assert "rounding" in of_fox["reason"]
    assert of_fox["evidence"]["tensors"] == [5, 5]
    assert len(of_fox["evidence"]["distances"]) == 5


def test_a_pruned_network_shows_its_zeros_second(served: Served):
    fox = added(served, "fox", random_tensors(0))
    added(served, "hen", [t * (t.abs() > t.abs().quantile(0.5)) for t in random_tensors(0)])

    (hen,) = relatives(served, fox)

    assert (hen["relation"], hen["descent"], hen["near_copy"]) == ("pruned", "descendant", False)
    assert hen["evidence"]["zeros"] == pytest.approx([0.0, 0.5], abs=0.05)


@pytest.mark.parametrize("order", [("base", "short", "long"), ("long", "short", "base")])
def test_siblings_have_no_direction_once_their_ancestor_is_there(served: Served, order):
    base, short, long = random_tensors(0), random_tensors(1), random_tensors(2)
    networks = {
        "base": base,
        "short": [a + 0.2 * b for a, b in zip(base, short, strict=True)],
        "long": [a + 0.5 * b for a, b in zip(base, long, strict=True)],
    }
    added_ids = {name: added(served, name, networks[name]) for name in order}

    of_long = {other["name"]: other for other in relatives(served, added_ids["long"])}

    assert {name: other["relation"] for name, other in of_long.items()} == {
        "base": "fine_tuned",
        "short": "fine_tuned",
    }
    assert of_long["base"]["descent"] == "ancestor"
    assert of_long["short"]["descent"] == "unknown"
    assert "may have been trained" in of_long["short"]["reason"]


def test_a_model_without_a_sketch_has_no_family_yet(served: Served):
    with served.zoo.transaction() as session:
        model_id = a_model(session).id

    answer = served.client.get(f"/v1/models/{model_id}/family")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_measured")
    assert "upload" in answer.json()["remedy"]


def test_networks_of_other_projects_are_not_relatives(served: Served):
    fox = added(served, "fox", random_tensors(0))
    added(served, "hen", random_tensors(0), project="others")

    assert relatives(served, fox) == []


def test_a_confirmed_descent_is_an_edge_of_both_lineages(served: Served):
    fox = added(served, "fox", random_tensors(0))
    hen = added(served, "hen", halved(random_tensors(0)))
    suggested = lineage(served, hen)

    answer = confirm(served, hen, relative_id="fox")

    assert answer.status_code == 200, answer.text
    assert answer.json()["confirmed"] == "ancestor"
    assert suggested == [(fox, hen, "suggested")]
    assert lineage(served, hen) == lineage(served, fox) == [(fox, hen, "confirmed")]
    picture = served.client.get(f"/v1/models/{fox}/lineage", params={"format": "svg"}).text
    assert "edge confirmed" in picture


def lineage(served: Served, model_id: str) -> list[tuple[str, str, str]]:
    graph = served.client.get(f"/v1/models/{model_id}/lineage").json()
    return [(edge["source"], edge["target"], edge["role"]) for edge in graph["edges"]]


def test_confirmed_ancestors_of_ancestors_are_part_of_a_lineage(served: Served):
    names = ("fox", "hen", "owl")
    fox, hen, owl = (added(served, name, random_tensors(0)) for name in names)
    confirm(served, hen, relative_id=fox, descent="ancestor")
    confirm(served, owl, relative_id=hen, descent="ancestor")

    assert set(lineage(served, owl)) == {(fox, hen, "confirmed"), (hen, owl, "confirmed")}


def test_a_descent_that_the_weights_do_not_show_must_be_stated(served: Served):
    fox, hen = (added(served, name, random_tensors(0)) for name in ("fox", "hen"))

    answer = confirm(served, hen, relative_id=fox)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "descent_unknown")
    assert problem["errors"][0]["pointer"] == "/descent"


def test_no_network_descends_from_itself(served: Served):
    fox, hen, owl = (added(served, name, random_tensors(0)) for name in ("fox", "hen", "owl"))
    confirm(served, hen, relative_id=fox, descent="ancestor")
    confirm(served, owl, relative_id=hen, descent="ancestor")

    answer = confirm(served, fox, relative_id=owl, descent="ancestor")

    assert (answer.status_code, answer.json()["code"]) == (409, "circular_lineage")
    with served.zoo.transaction() as session:
        confirmed = session.scalars(select(RelativeRecord.confirmed_ancestor_id)).all()
    assert sorted(filter(None, confirmed)) == sorted([fox, hen])


def test_only_relatives_can_be_confirmed(served: Served):
    fox = added(served, "fox", random_tensors(0))
    owl = added(served, "owl", random_tensors(1))

    strangers = confirm(served, fox, relative_id=owl, descent="ancestor")
    itself = confirm(served, fox, relative_id=fox, descent="ancestor")
    nothing = confirm(served, fox, relative_id="mdl_nothing", descent="ancestor")

    assert (strangers.status_code, strangers.json()["code"]) == (422, "not_related")
    assert (itself.status_code, itself.json()["code"]) == (422, "not_related")
    assert (nothing.status_code, nothing.json()["code"]) == (422, "unknown_model")


def test_confirming_needs_the_scope_of_writes(served: Served):
    fox = added(served, "fox", random_tensors(0))
    reader = served.with_scopes("read")

    answer = reader.post(f"/v1/models/{fox}/family:confirm", json={"relative_id": fox})

    assert answer.status_code == 403


def test_a_network_that_is_checked_again_has_its_relatives_once(served: Served):
    fox = added(served, "fox", random_tensors(0))
    hen = added(served, "hen", random_tensors(0))
    with served.zoo.transaction() as session:
        model = session.get_one(ModelRecord, hen)
        record_sketch(session, model, weights=stored(random_tensors(1)), others=5)

    assert relatives(served, fox) == []


def test_a_confirmed_descent_outlasts_another_check(served: Served):
    tensors = random_tensors(0)
    fox, hen = added(served, "fox", tensors), added(served, "hen", halved(tensors))
    confirm(served, hen, relative_id=fox)
    with served.zoo.transaction() as session:
        model = session.get_one(ModelRecord, hen)
        record_sketch(session, model, weights=stored(halved(tensors)), others=5)

    (of_hen,) = relatives(served, hen)

    assert (of_hen["model_id"], of_hen["confirmed"]) == (fox, "ancestor")


def test_families_are_numbered_among_the_networks_of_a_map(served: Served):
    fox, hen = (added(served, name, random_tensors(0)) for name in ("fox", "hen"))
    owl, elk = added(served, "owl", random_tensors(1)), added(served, "elk", random_tensors(2))
    emu = added(served, "emu", halved(random_tensors(2)))

    with served.zoo.transaction() as session:
        families = families_among(session, project=PROJECT, ids=[owl, fox, elk, hen, emu])

    assert families == [None, 0, 1, 0, 1]


def test_a_near_copy_is_listed_below_the_better_row(served: Served):
    made = ids(served, copies=[1] * 30, scores=(0.9, 0.5, 0.7))
    first, second, other = made["models"]
    with served.zoo.transaction() as session:
        for id_, tensors in ((first, random_tensors(0)), (second, halved(random_tensors(0)))):
            model = session.get_one(ModelRecord, id_)
            model.weights_sha256 = model.program_sha256 = f"{id_:0>64}"
            session.flush()
            record_sketch(session, model, weights=stored(tensors), others=5)

    ranking = rank(served, made).json()

    assert ranking["ranked"] == 2
    assert [(item["rank"], item["model_id"]) for item in ranking["items"]] == [
        (1, first),
        (2, other),
    ]
    (copy,) = ranking["items"][0]["near_copies"]
    assert (copy["model_id"], copy["relation"]) == (second, "half_precision")
    assert copy["score"] < ranking["items"][0]["score"]
    assert ranking["items"][1]["near_copies"] == []


def test_a_near_copy_of_a_measured_network_is_never_suggested(served: Served):
    tensors = random_tensors(0)
    names = {"fox": tensors, "hen": halved(tensors), "owl": random_tensors(1)}
    fox, hen, owl = (added(served, name, weights) for name, weights in names.items())

    with served.zoo.transaction() as session:
        near = near_copies_among(session, project=PROJECT, ids=[fox, hen, owl])
    suggested = without_copies([hen, owl], near, measured=[fox])

    assert near == {fox: {hen: "half_precision"}, hen: {fox: "half_precision"}}
    assert suggested == [owl]
