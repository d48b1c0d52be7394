"""REST and gRPC are two doors of one room: the same scenario gives the same answers and errors."""

from collections.abc import Iterator
from typing import Any

import pytest

from service.container import Zoo
from service.core.operations.access import keys
from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import NewAccuracy
from tests.apis.scenario import AuthInterceptor, RestDoor, RpcDoor, told
from tests.rest.families import a_family
from tests.rest.served import (
    a_dataset,
    a_graph,
    a_model,
    an_affinity,
    an_estimate,
    archive,
    client_of,
    serving,
)
from tests.rpc.channels import Dialled, listening

MANIFEST = {
    "name": "fox",
    "format": "pt2",
    "input": {"height": 8, "width": 8, "mean": [0.5, 0.5, 0.5]},
    "task": {"kind": "classification", "text": "foxes"},
    "tags": ["wild", "red"],
    "classes": ["fox", "no fox"],
}
MEASURING = {"method": "depara", "inputs": {"model_id": "mdl_1", "dataset_id": "dst_1"}}
# What differs by nature: two uploads are two models.
_OWN = frozenset({"id", "job_id", "created_at", "etag", "at", "finished_at", "data"})


class Doors:
    """Both doors of one zoo."""

    def __init__(self, zoo: Zoo, rest: AuthInterceptor, rpc: AuthInterceptor) -> None:
        self.zoo = zoo
        self.both = (rest, rpc)

    def agree(self, ask: Any) -> Any:
        """The answer to a question, which both doors give."""
        rest, rpc = (ask(door) for door in self.both)
        assert rest == rpc
        return rest

    def alike(self, act: Any) -> tuple[Any, Any]:
        """The answers to an act that makes a new thing at each door: equal but for identity."""
        rest, rpc = (act(door) for door in self.both)
        assert _anonymous(rest) == _anonymous(rpc)
        return rest, rpc


def _anonymous(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {k: _anonymous(v) for k, v in answer.items() if k not in _OWN}
    return [_anonymous(one) for one in answer] if isinstance(answer, list) else answer


@pytest.fixture
def doors(zoo: Zoo) -> Iterator[Doors]:
    """A zoo served by REST and by gRPC, each over a socket."""
    with zoo.transaction() as session:
        first = keys.issue_first(session)
    assert first is not None
    with serving(zoo) as url, listening(zoo) as address, client_of(url, first.token) as client:
        dialled = Dialled(zoo, address, first.token)
        yield Doors(zoo, RestDoor(client), RpcDoor(dialled))
        dialled.channel.close()


def test_an_uploaded_network_is_told_alike_by_both_doors(doors: Doors):
    data = archive()

    made = doors.alike(lambda door: door.create_model(MANIFEST, data))

    for one in made:
        shown = doors.agree(lambda door, id_=one["id"]: door.model(id_))
        assert shown["state"] == "uploaded"
        assert doors.agree(lambda door, id_=one["id"]: door.content(id_)) == data


def test_lists_pages_and_filters_agree_and_tokens_fit_both_doors(doors: Doors):
    with doors.zoo.transaction() as session:
        for number in range(5):
            a_model(session, name=f"hen {number}", tags=["even"] if number % 2 == 0 else [])

    doors.agree(lambda door: door.models(tag="even"))
    doors.agree(lambda door: door.models(name="HEN 3", state="ready"))
    token = doors.agree(lambda door: door.models(page_size=2))["next_page_token"]
    rest = doors.agree(lambda door: door.models(page_size=3, page_token=token))

    assert [model["name"] for model in rest["items"]] == ["hen 2", "hen 1", "hen 0"]


@pytest.mark.parametrize(
    "changed",
    [{"input": {"height": 1, "width": 8}}, {"name": ""}, {"format": "pickle"}],
)
def test_a_manifest_that_does_not_fit_is_refused_alike(doors: Doors, changed: dict[str, Any]):
    said = doors.agree(lambda door: door.create_model({**MANIFEST, **changed}, archive()))

    assert said["refused"] == "invalid_request"


def test_refused_files_and_missing_things_are_told_alike(doors: Doors):
    pickled = doors.agree(lambda door: door.create_model(MANIFEST, b"\x80\x04pickled"))
    gone = doors.agree(lambda door: door.model("mdl_01J00000000000000000000000"))
    method = doors.agree(lambda door: door.submit({"method": "alchemy"}))
    params = doors.agree(lambda door: door.submit({**MEASURING, "params": {"grid": 1}}))
    token = doors.agree(lambda door: door.models(page_token="forged"))

    codes = [said["refused"] for said in (pickled, gone, method, params, token)]
    assert codes == [
        "unsafe_format",
        "model_not_found",
        "unknown_method",
        "invalid_params",
        "invalid_page_token",
    ]


def test_changes_and_removals_need_the_etag_at_both_doors(doors: Doors):
    with doors.zoo.transaction() as session:
        ids = [a_model(session).id for _ in doors.both]
    etags = [door.model(id_)["etag"] for door, id_ in zip(doors.both, ids, strict=True)]
    own = dict(zip(doors.both, zip(ids, etags, strict=True), strict=True))

    doors.agree(lambda door: door.rename(ids[0], etag=None, name="x"))
    doors.alike(lambda door: door.rename(own[door][0], etag=own[door][1], name="new"))
    stale = [door.delete(own[door][0], etag=own[door][1])["refused"] for door in doors.both]
    for door in doors.both:
        assert door.delete(own[door][0], etag=door.model(own[door][0])["etag"]) == {}

    assert stale == ["etag_mismatch", "etag_mismatch"]
    doors.agree(lambda door: door.model(ids[0]))


def test_images_layers_and_methods_agree(doors: Doors):
    with doors.zoo.transaction() as session:
        probes, model = a_dataset(doors.zoo, session), a_model(session)

    doors.agree(lambda door: door.dataset(probes.id))
    doors.agree(lambda door: door.image(probes.id, 1))
    assert doors.agree(lambda door: door.layers(model.id))
    assert doors.agree(lambda door: told(door.methods()))


def test_lineages_agree_in_every_form(doors: Doors):
    with doors.zoo.transaction() as session:
        family = a_family(doors.zoo, session)

    both = doors.agree(lambda door: door.lineage(family.hen))
    doors.agree(lambda door: door.lineage(family.owl, direction="descendants", generations=1))
    doors.agree(lambda door: door.lineage(family.owl, direction="sideways"))
    gone = doors.agree(lambda door: door.lineage("mdl_01J00000000000000000000000"))
    for form in ("svg", "graphml"):
        assert doors.agree(lambda door, form=form: door.lineage_file(family.hare, form))

    assert both["nodes"][0]["name"] == "hen"
    assert gone["refused"] == "model_not_found"


def test_rankings_neighbours_and_maps_agree(doors: Doors):
    sketch = [1.0] + [0.0] * 1023 + [0.5] + [0.0] * 511
    with doors.zoo.transaction() as session:
        probes = a_dataset(doors.zoo, session)
        hen, fox, hare = (a_model(session, name=name) for name in ("hen", "fox", "hare"))
        one, two, three = (a_graph(session, m, probes, sketch=sketch) for m in (hen, fox, hare))
        an_affinity(session, one, two, node=0.9, edge=0.1)
        an_affinity(session, one, three, node=0.5, edge=None)
    body = {"target": {"model_id": hen.id}, "probe_set_id": probes.id, "edge_weight": 0.5}

    ranking, _ = doors.alike(lambda door: door.rank(body))
    doors.alike(lambda door: door.rank({**body, "candidates": {"model_ids": [fox.id]}}))
    doors.agree(lambda door: door.neighbors(hen.id, dataset=probes.id))
    missing = doors.agree(lambda door: door.map(probes.id))
    drawing = doors.agree(lambda door: door.create_map({"dataset_id": probes.id, "k": 1}))
    unknown = doors.agree(lambda door: door.create_map({"dataset_id": "dst_0"}))
    wrong = doors.agree(lambda door: door.rank({**body, "probe_set_id": "dst_0"}))
    settings = doors.agree(lambda door: door.rank({**body, "settings": {"grid": 2}}))

    assert [item["name"] for item in ranking["items"]] == ["fox"]
    assert [model["code"] for model in ranking["unranked"]] == ["constant_edges"]
    assert missing["refused"] == "not_measured"
    assert missing["remedy"].startswith("create it with POST /v1/maps ")
    assert drawing["params"]["k"] == 1
    assert (unknown["refused"], unknown["pointers"]) == ("unknown_dataset", ["/dataset_id"])
    assert wrong["refused"] == "unknown_dataset"
    assert settings["pointers"] == ["/body/settings/grid"]


def test_heat_maps_agree(doors: Doors):
    with doors.zoo.transaction() as session:
        probes, models = (
            a_dataset(doors.zoo, session).id,
            [a_model(session).id, a_model(session).id],
        )
    body = {"model_ids": models, "dataset_id": probes, "indices": [1, 0], "method": "saliency"}

    missing = doors.agree(
        lambda door: door.attribution(models[0], dataset=probes, method="saliency")
    )
    ordered = doors.agree(lambda door: door.create_attributions(body))
    spanned = doors.agree(
        lambda door: door.create_attributions({**body, "indices": {"start": 0, "stop": 2}})
    )
    wrong = doors.agree(lambda door: door.create_attributions({**body, "indices": [7]}))
    twice = doors.agree(lambda door: door.create_attributions({**body, "indices": [1, 1]}))

    assert missing["refused"] == "not_measured"
    assert missing["remedy"].startswith(
        f"create it with POST /v1/models/{models[0]}/attributions "
    )
    assert ordered["inputs"]["indices"] == [1, 0]
    assert spanned["id"] != ordered["id"]
    assert (wrong["refused"], wrong["pointers"]) == ("unknown_image", ["/indices"])
    assert (twice["refused"], twice["pointers"]) == ("invalid_request", ["/body"])


def test_rankings_by_labels_and_history_agree(doors: Doors):
    with doors.zoo.transaction() as session:
        target = a_dataset(doors.zoo, session)
        for name, score in (("hen", 0.5), ("fox", 0.75)):
            model = a_model(session, name=name)
            an_estimate(session, model, target, logme=score)
        measured = [NewAccuracy(model="hen", dataset="sea", value=0.5)]
        accuracies.add(session, project="default", measurements=measured)
    body = {"target": {"dataset_id": target.id}, "metric": "logme"}

    ranking, _ = doors.alike(lambda door: door.rank(body))
    doors.alike(lambda door: door.rank({**body, "metric": "leep"}))
    doors.alike(lambda door: door.rank({**body, "metric": "fused", "protocol": "other"}))
    magic = doors.agree(lambda door: door.rank({**body, "metric": "magic"}))

    assert [item["name"] for item in ranking["items"]] == ["fox", "hen"]
    assert ranking["baselines"][0]["name"] == "static"
    assert magic["pointers"] == ["/body/metric"]


def test_a_pending_ranking_is_told_alike(doors: Doors):
    with doors.zoo.transaction() as session:
        probes = a_dataset(doors.zoo, session)
        hen, _ = a_model(session, name="hen"), a_model(session, name="fox")

    ranking, _ = doors.alike(
        lambda door: door.rank({"target": {"model_id": hen.id}, "probe_set_id": probes.id})
    )

    assert (ranking["state"], ranking["progress"]["total"]) == ("pending", 3)


def test_a_job_is_submitted_followed_and_cancelled_alike(doors: Doors):
    body = {**MEASURING, "params": {"grid": 16, "min_valid": 0.5}}

    made = doors.alike(lambda door: door.submit(body))
    own = dict(zip(doors.both, (job["id"] for job in made), strict=True))
    doors.alike(lambda door: door.cancel(own[door]))
    events = doors.alike(lambda door: door.events(own[door]))

    for job in made:
        doors.agree(lambda door, id_=job["id"]: door.job(id_))
        doors.agree(lambda door, id_=job["id"]: door.cancel(id_))
    assert [event["type"] for event in events[0]] == ["queued", "cancelled"]


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"student": {"width": 1}}, "invalid_params", "/student/width"),
        ({"budget": {"steps": 5, "seconds": 2.5}}, "invalid_params", "/budget"),
        ({"seed": -1}, "invalid_params", "/seed"),
        ({"device": "tpu"}, "invalid_params", "/device"),
        ({"dataset_id": None}, "invalid_inputs", "/dataset_id"),
        ({"params": {"seed": 2}}, "repeated_field", "/seed"),
        ({"priority": 101}, "invalid_request", "/body/priority"),
        ({"teachers": ["mdl_0"]}, "unknown_model", "/teachers/0"),
    ],
)
def test_a_training_that_does_not_fit_is_refused_alike(
    doors: Doors, change: dict[str, Any], code: str, pointer: str
):
    body = {
        "method": "knowledge_distillation",
        "teachers": ["mdl_1"],
        "dataset_id": "dst_1",
        "student": {"width": 8},
        "seed": 1,
        "device": "cpu",
        "budget": {"steps": 5},
    }

    said = doors.agree(lambda door: door.submit({**body, **change}))

    assert (said["refused"], said["pointers"]) == (code, [pointer])
