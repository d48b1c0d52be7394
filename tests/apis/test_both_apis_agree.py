"""REST and gRPC are two APIs of one service: the same scenario gives the same answers and errors."""

from typing import Any

import pytest

from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import NewAccuracy
from tests.apis.both_apis import Apis
from tests.apis.scenario import comparable
from tests.rest.families import a_family
from tests.rest.served import (
    IMAGES,
    a_dataset,
    a_graph,
    a_model,
    an_affinity,
    an_estimate,
    archive,
)

MANIFEST = {
    "name": "fox",
    "format": "pt2",
    "input": {"height": 8, "width": 8, "mean": [0.5, 0.5, 0.5]},
    "task": {"kind": "classification", "text": "foxes"},
    "tags": ["wild", "red"],
    "classes": ["fox", "no fox"],
}
MEASURING = {"method": "depara", "inputs": {"model_id": "mdl_1", "dataset_id": "dst_1"}}


def test_an_uploaded_network_is_described_alike_by_both_apis(apis: Apis):
    data = archive()

    made = apis.alike(lambda api: api.create_model(MANIFEST, data))

    for model in made:
        shown = apis.agree(lambda api, id_=model["id"]: api.model(id_))
        assert shown["state"] == "uploaded"
        assert apis.agree(lambda api, id_=model["id"]: api.content(id_)) == data


def test_lists_pages_and_filters_agree_and_tokens_fit_both_apis(apis: Apis):
    with apis.zoo.transaction() as session:
        for number in range(5):
            a_model(session, name=f"hen {number}", tags=["even"] if number % 2 == 0 else [])

    apis.agree(lambda api: api.models(tag="even"))
    apis.agree(lambda api: api.models(name="HEN 3", state="ready"))
    token = apis.agree(lambda api: api.models(page_size=2))["next_page_token"]
    rest = apis.agree(lambda api: api.models(page_size=3, page_token=token))

    assert [model["name"] for model in rest["items"]] == ["hen 2", "hen 1", "hen 0"]


@pytest.mark.parametrize(
    "changed",
    [{"input": {"height": 1, "width": 8}}, {"name": ""}, {"format": "pickle"}],
)
def test_a_manifest_that_does_not_fit_is_refused_alike(apis: Apis, changed: dict[str, Any]):
    answer = apis.agree(lambda api: api.create_model({**MANIFEST, **changed}, archive()))

    assert answer["refused"] == "invalid_request"


def test_refused_files_and_missing_things_are_reported_alike(apis: Apis):
    pickled = apis.agree(lambda api: api.create_model(MANIFEST, b"\x80\x04pickled"))
    gone = apis.agree(lambda api: api.model("mdl_01J00000000000000000000000"))
    method = apis.agree(lambda api: api.submit({"method": "alchemy"}))
    params = apis.agree(lambda api: api.submit({**MEASURING, "params": {"grid": 1}}))
    token = apis.agree(lambda api: api.models(page_token="forged"))

    codes = [answer["refused"] for answer in (pickled, gone, method, params, token)]
    assert codes == [
        "unsafe_format",
        "model_not_found",
        "unknown_method",
        "invalid_params",
        "invalid_page_token",
    ]


def test_changes_and_removals_need_the_etag_over_both_apis(apis: Apis):
    with apis.zoo.transaction() as session:
        ids = [a_model(session).id for _ in apis.both]
    etags = [api.model(id_)["etag"] for api, id_ in zip(apis.both, ids, strict=True)]
    own = dict(zip(apis.both, zip(ids, etags, strict=True), strict=True))

    apis.agree(lambda api: api.rename(ids[0], etag=None, name="x"))
    apis.alike(lambda api: api.rename(own[api][0], etag=own[api][1], name="new"))
    stale = [api.delete(own[api][0], etag=own[api][1])["refused"] for api in apis.both]
    for api in apis.both:
        assert api.delete(own[api][0], etag=api.model(own[api][0])["etag"]) == {}

    assert stale == ["etag_mismatch", "etag_mismatch"]
    apis.agree(lambda api: api.model(ids[0]))


def test_images_layers_and_methods_agree(apis: Apis):
    with apis.zoo.transaction() as session:
        probes, model = a_dataset(apis.zoo, session), a_model(session)

    apis.agree(lambda api: api.dataset(probes.id))
    apis.agree(lambda api: api.image(probes.id, 1))
    assert apis.agree(lambda api: api.layers(model.id))
    assert apis.agree(lambda api: comparable(api.methods()))


def test_lineages_agree_in_every_form(apis: Apis):
    with apis.zoo.transaction() as session:
        family = a_family(apis.zoo, session)

    both = apis.agree(lambda api: api.lineage(family.hen))
    apis.agree(lambda api: api.lineage(family.owl, direction="descendants", generations=1))
    apis.agree(lambda api: api.lineage(family.owl, direction="sideways"))
    gone = apis.agree(lambda api: api.lineage("mdl_01J00000000000000000000000"))
    for form in ("svg", "graphml"):
        assert apis.agree(lambda api, form=form: api.lineage_file(family.hare, form))

    assert both["nodes"][0]["name"] == "hen"
    assert gone["refused"] == "model_not_found"


def test_rankings_neighbors_and_maps_agree(apis: Apis):
    sketch = [1.0] + [0.0] * 1023 + [0.5] + [0.0] * 511
    with apis.zoo.transaction() as session:
        probes = a_dataset(apis.zoo, session)
        hen, fox, hare = (a_model(session, name=name) for name in ("hen", "fox", "hare"))
        hen_graph, fox_graph, hare_graph = (
            a_graph(session, m, probes, sketch=sketch) for m in (hen, fox, hare)
        )
        an_affinity(session, hen_graph, fox_graph, node=0.9, edge=0.1)
        an_affinity(session, hen_graph, hare_graph, node=0.5, edge=None)
    target = {"target": {"model_id": hen.id}, "probe_set_id": probes.id}
    body = {**target, "metric": "depara", "edge_weight": 0.5}

    ranking, _ = apis.alike(lambda api: api.rank(body))
    apis.alike(lambda api: api.rank({**body, "candidates": {"model_ids": [fox.id]}}))
    apis.agree(lambda api: api.neighbors(hen.id, dataset=probes.id))
    missing = apis.agree(lambda api: api.map(probes.id))
    drawing = apis.agree(lambda api: api.create_map({"dataset_id": probes.id, "k": 1}))
    unknown = apis.agree(lambda api: api.create_map({"dataset_id": "dst_0"}))
    wrong = apis.agree(lambda api: api.rank({**body, "probe_set_id": "dst_0"}))
    settings = apis.agree(lambda api: api.rank({**body, "settings": {"grid": 2}}))

    assert [item["name"] for item in ranking["items"]] == ["fox"]
    assert [model["code"] for model in ranking["unranked"]] == ["constant_edges"]
    assert missing["refused"] == "not_measured"
    assert missing["remedy"].startswith("create it with POST /v1/maps ")
    assert drawing["params"]["k"] == 1
    assert (unknown["refused"], unknown["pointers"]) == ("unknown_dataset", ["/dataset_id"])
    assert wrong["refused"] == "unknown_dataset"
    assert settings["pointers"] == ["/body/settings/grid"]


def test_heat_maps_agree(apis: Apis):
    with apis.zoo.transaction() as session:
        probes, models = (
            a_dataset(apis.zoo, session).id,
            [a_model(session).id, a_model(session).id],
        )
    body = {"model_ids": models, "dataset_id": probes, "indices": [1, 0], "method": "saliency"}

    missing = apis.agree(lambda api: api.attribution(models[0], dataset=probes, method="saliency"))
    ordered = apis.agree(lambda api: api.create_attributions(body))
    spanned = apis.agree(
        lambda api: api.create_attributions({**body, "indices": {"start": 0, "stop": 2}})
    )
    wrong = apis.agree(lambda api: api.create_attributions({**body, "indices": [IMAGES]}))
    twice = apis.agree(lambda api: api.create_attributions({**body, "indices": [1, 1]}))

    assert missing["refused"] == "not_measured"
    assert missing["remedy"].startswith(
        f"create it with POST /v1/models/{models[0]}/attributions "
    )
    assert ordered["inputs"]["indices"] == [1, 0]
    assert spanned["id"] != ordered["id"]
    assert (wrong["refused"], wrong["pointers"]) == ("unknown_image", ["/indices"])
    assert (twice["refused"], twice["pointers"]) == ("invalid_request", ["/body"])


def test_rankings_by_labels_and_history_agree(apis: Apis):
    with apis.zoo.transaction() as session:
        target = a_dataset(apis.zoo, session)
        for name, score in (("hen", 0.5), ("fox", 0.75)):
            model = a_model(session, name=name)
            an_estimate(session, model, target, logme=score, linear_cka=score)
        measured = [NewAccuracy(model="hen", dataset="sea", value=0.5)]
        accuracies.add(session, project="default", measurements=measured)
    body = {"target": {"dataset_id": target.id}, "metric": "logme"}

    ranking, _ = apis.alike(lambda api: api.rank(body))
    apis.alike(lambda api: api.rank({**body, "metric": "leep"}))
    apis.alike(lambda api: api.rank({**body, "metric": "fused", "protocol": "other"}))
    automatic, _ = apis.alike(lambda api: api.rank({**body, "metric": "auto"}))
    magic = apis.agree(lambda api: api.rank({**body, "metric": "magic"}))

    assert [item["name"] for item in ranking["items"]] == ["fox", "hen"]
    assert ranking["baselines"][0]["name"] == "static"
    assert automatic["choice"]["metric"] == automatic["metric"] == "labels"
    assert magic["pointers"] == ["/body/metric"]


@pytest.mark.usefixtures("measurable")
def test_a_slip_in_a_name_is_answered_alike_with_the_name_that_was_meant(apis: Apis):
    slip = {**MEASURING, "params": {"atribution": "gxi"}}

    field = apis.agree(lambda api: api.submit(slip))
    method = apis.agree(lambda api: api.submit({**MEASURING, "method": "dapara"}))

    assert field["pointers"] == ["/params/atribution"]
    assert "did you mean `attribution`?" in field["detail"]
    assert "did you mean `depara`?" in method["remedy"]


def test_a_pending_ranking_is_reported_alike(apis: Apis):
    with apis.zoo.transaction() as session:
        probes = a_dataset(apis.zoo, session)
        hen, _ = a_model(session, name="hen"), a_model(session, name="fox")

    ranking, _ = apis.alike(
        lambda api: api.rank({"target": {"model_id": hen.id}, "probe_set_id": probes.id})
    )

    assert (ranking["state"], ranking["progress"]["total"]) == ("pending", 3)


@pytest.mark.usefixtures("measurable")
@pytest.mark.usefixtures("measurable")
def test_a_job_is_submitted_followed_and_cancelled_alike(apis: Apis):
    body = {**MEASURING, "params": {"grid": 16, "min_valid": 0.5}}

    made = apis.alike(lambda api: api.submit(body))
    own = dict(zip(apis.both, (job["id"] for job in made), strict=True))
    apis.alike(lambda api: api.cancel(own[api]))
    events = apis.alike(lambda api: api.events(own[api]))

    for job in made:
        apis.agree(lambda api, id_=job["id"]: api.job(id_))
        apis.agree(lambda api, id_=job["id"]: api.cancel(id_))
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
    apis: Apis, change: dict[str, Any], code: str, pointer: str
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

    answer = apis.agree(lambda api: api.submit({**body, **change}))

    assert (answer["refused"], answer["pointers"]) == (code, [pointer])
