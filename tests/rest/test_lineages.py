"""A lineage lists each network, job and dataset of the project once, including deleted ones."""

from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from service.core.operations.lineages import lineages
from service.core.tables import JobRecord, JobState, ModelRecord
from tests.rest.families import FamilyIds, a_family, a_student, a_training
from tests.rest.served import IMAGES, Served, a_dataset, a_model


@pytest.fixture
def family(served: Served) -> FamilyIds:
    """Three generations with a diamond."""
    with served.zoo.transaction() as session:
        return a_family(served.zoo, session)


def lineage_of(served: Served, model_id: str, **asked: Any) -> dict[str, Any]:
    answer = served.client.get(f"/v1/models/{model_id}/lineage", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(lineage: dict[str, Any], kind: str = "model") -> list[str]:
    return sorted(item["name"] for item in lineage["nodes"] if item["kind"] == kind)


def removed(served: Served, model_id: str) -> None:
    path = f"/v1/models/{model_id}"
    etag = served.client.get(path).json()["etag"]
    assert served.client.delete(path, headers={"If-Match": etag}).status_code == 204


def test_three_generations_are_listed_and_a_shared_ancestor_once(
    served: Served, family: FamilyIds
):
    lineage = lineage_of(served, family.hare, direction="ancestors")

    nodes = {item["id"]: item for item in lineage["nodes"]}
    assert len(nodes) == len(lineage["nodes"]) == 4 + 3 + 2
    assert names(lineage) == ["fox", "hare", "hen", "owl"]
    assert names(lineage, "dataset") == ["sea", "sky"]
    assert names(lineage, "job") == ["knowledge_distillation"] * 3
    hare = nodes[family.hare]
    assert hare["measured"] == {"accuracy": 0.75, "retention": 0.9}
    assert (hare["task"], hare["parameters"], hare["state"]) == ("classification", 7, "ready")
    job = next(item for item in lineage["nodes"] if item["kind"] == "job")
    assert (job["state"], job["seed"], job["budget"]) == ("succeeded", 3, {"steps": 100})
    assert nodes[family.sea]["images"] == IMAGES
    assert lineage["notes"] == []


def test_edges_have_roles(served: Served, family: FamilyIds):
    lineage = lineage_of(served, family.fox, direction="ancestors")

    job = next(item["id"] for item in lineage["nodes"] if item["kind"] == "job")
    edges = {(item["source"], item["target"], item["role"]) for item in lineage["edges"]}
    assert edges == {
        (family.owl, job, "teacher"),
        (family.sea, job, "dataset"),
        (family.sky, job, "eval_dataset"),
        (job, family.fox, "student"),
    }


def test_the_source_of_initial_weights_is_in_both_directions(served: Served, family: FamilyIds):
    with served.zoo.transaction() as session:
        cub = a_student(session, "cub", [family.hen], student={"init": family.fox}).id

    back = lineage_of(served, cub, direction="ancestors")
    forth = lineage_of(served, family.fox, direction="descendants")

    started = {(item["source"], item["role"]) for item in back["edges"] if item["role"] == "start"}
    assert started == {(family.fox, "start")}
    assert names(back) == ["cub", "fox", "hen", "owl"]
    assert names(forth) == ["cub", "fox", "hare", "hen"]


def test_descendants_include_their_other_teachers_without_ancestors(
    served: Served, family: FamilyIds
):
    forth = lineage_of(served, family.fox, direction="descendants")
    both = lineage_of(served, family.fox)

    assert names(forth) == ["fox", "hare", "hen"]
    assert names(both) == ["fox", "hare", "hen", "owl"]
    assert len(names(forth, "job")) == 1
    assert len(names(both, "job")) == 2


def test_fewer_generations_add_a_note(served: Served, family: FamilyIds):
    back = lineage_of(served, family.hare, direction="ancestors", generations=1)
    forth = lineage_of(served, family.owl, direction="descendants", generations=1)
    whole = lineage_of(served, family.owl, direction="descendants", generations=2)

    assert names(back) == ["fox", "hare", "hen"]
    assert names(forth) == ["fox", "hen", "owl"]
    assert [item["code"] for item in (*back["notes"], *forth["notes"])] == ["more_generations"] * 2
    assert whole["notes"] == []


def test_a_deleted_teacher_is_gone_but_its_ancestors_remain(served: Served, family: FamilyIds):
    removed(served, family.fox)

    back = lineage_of(served, family.hare)
    forth = lineage_of(served, family.owl)

    for lineage in (back, forth):
        fox = next(item for item in lineage["nodes"] if item["id"] == family.fox)
        assert (fox["state"], fox["name"]) == ("gone", "fox")
        assert names(lineage) == ["fox", "hare", "hen", "owl"]


def test_a_deleted_upload_is_gone_without_a_name(served: Served, family: FamilyIds):
    removed(served, family.owl)

    owl = next(
        item for item in lineage_of(served, family.hen)["nodes"] if item["id"] == family.owl
    )

    assert (owl["kind"], owl["name"], owl["state"]) == ("model", "", "gone")


def test_a_deleted_dataset_is_gone(served: Served, family: FamilyIds):
    path = f"/v1/datasets/{family.sky}"
    etag = served.client.get(path).headers["ETag"]
    assert served.client.delete(path, headers={"If-Match": etag}).status_code == 204

    sky = next(
        item for item in lineage_of(served, family.hen)["nodes"] if item["id"] == family.sky
    )

    assert (sky["kind"], sky["state"], sky["images"]) == ("dataset", "gone", None)


def test_a_running_training_has_no_student(served: Served, family: FamilyIds):
    with served.zoo.transaction() as session:
        running = a_training(session, [family.hare]).id
        a_training(session, [family.hare], state=JobState.FAILED)

    lineage = lineage_of(served, family.hare, direction="descendants")

    assert [item["id"] for item in lineage["nodes"]] == [family.hare, running]
    assert lineage["nodes"][1]["state"] == "running"


def test_networks_of_another_project_are_not_found(served: Served, family: FamilyIds):
    with served.zoo.transaction() as session:
        stolen = a_student(session, "stolen", [family.owl], project="elsewhere").id
        a_student(session, "mixed", [family.owl, stolen])
    stranger = served.with_scopes("read", project="elsewhere")

    lineage = lineage_of(served, family.owl)
    theirs = stranger.get(f"/v1/models/{stolen}/lineage").json()

    assert names(lineage) == ["", "fox", "hare", "hen", "mixed", "owl"]
    assert [item["state"] for item in lineage["nodes"] if item["id"] == stolen] == ["gone"]
    assert [item["state"] for item in theirs["nodes"] if item["id"] == family.owl] == ["gone"]
    assert names(theirs) == ["", "stolen"]
    assert stranger.get(f"/v1/models/{family.fox}/lineage").status_code == 404


def test_a_network_from_a_job_without_teachers_is_included(served: Served):
    with served.zoo.transaction() as session:
        images = a_dataset(served.zoo, session).id
        job = a_training(session, [], state=JobState.SUCCEEDED)
        job.method = "reference_network"
        job.inputs = {"dataset_id": images, "model_id": "mdl_1"}
        provenance = {"method": "reference_network", "datasets": [images]}
        model = a_model(session, name="stand-in", lineage=provenance, job_id=job.id).id

    lineage = lineage_of(served, model)

    assert names(lineage, "dataset") == ["farm"]
    assert [item["role"] for item in lineage["edges"]] == ["dataset", "student"]


def test_an_uploaded_network_has_no_lineage_but_itself(served: Served):
    with served.zoo.transaction() as session:
        model = a_model(session, job_id="job_1").id

    lineage = lineage_of(served, model)

    assert [item["id"] for item in lineage["nodes"]] == [model]
    assert lineage["edges"] == []


def test_a_cycle_terminates(served: Served, family: FamilyIds):
    with served.zoo.transaction() as session:
        owl = session.get_one(ModelRecord, family.owl)
        job = a_training(session, [family.hare], state=JobState.SUCCEEDED)
        owl.lineage = {"job_id": job.id, "teachers": [family.hare]}

    assert len(lineage_of(served, family.hen)["nodes"]) == 4 + 4 + 2
    assert served.client.get(
        f"/v1/models/{family.hen}/lineage", params={"format": "svg"}
    ).content.startswith(b"<svg")


def test_a_large_lineage_is_cut_with_a_note(served: Served, family: FamilyIds, monkeypatch):
    monkeypatch.setattr(lineages, "MOST_NODES", 6)

    lineage = lineage_of(served, family.hare, direction="ancestors")

    assert len(lineage["nodes"]) <= 6
    assert [item["code"] for item in lineage["notes"]] == ["too_many_nodes"]
    expected = {item["id"] for item in lineage["nodes"]}
    assert all({item["source"], item["target"]} <= expected for item in lineage["edges"])


def test_a_current_etag_returns_304_until_something_changes(served: Served, family: FamilyIds):
    path = f"/v1/models/{family.owl}/lineage"
    for form in ({}, {"format": "svg"}, {"format": "graphml"}):
        received = served.client.get(path, params=form).headers["ETag"]
        again = served.client.get(path, params=form, headers={"If-None-Match": received})
        assert (again.status_code, again.content) == (304, b"")

    with served.zoo.transaction() as session:
        session.get_one(JobRecord, session.scalars(select(JobRecord.id)).first()).state = "failed"

    assert served.client.get(path, headers={"If-None-Match": received}).status_code == 200


def test_the_svg_is_a_valid_file(served: Served, family: FamilyIds):
    answer = served.client.get(f"/v1/models/{family.hen}/lineage", params={"format": "svg"})

    picture = ElementTree.fromstring(answer.content)
    words = {text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert answer.headers["content-type"] == "image/svg+xml"
    assert {"owl", "fox", "hen", "hare", "sea", "sky"} <= words


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"direction": "sideways"}, "/query/direction"),
        ({"generations": 0}, "/query/generations"),
        ({"generations": 51}, "/query/generations"),
        ({"format": "gif"}, "/query/format"),
        ({"depth": 2}, "/query/depth"),
    ],
)
def test_an_invalid_query_is_refused_with_a_pointer(
    served: Served, family: FamilyIds, asked: dict[str, Any], pointer: str
):
    answer = served.client.get(f"/v1/models/{family.owl}/lineage", params=asked)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_the_lineage_of_an_unknown_network_is_not_found(served: Served):
    answer = served.client.get("/v1/models/mdl_0/lineage")

    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")


def test_a_lineage_is_drawn_in_the_requested_theme(served: Served, family: FamilyIds):
    path = f"/v1/models/{family.hare}/lineage"

    light, dark = (
        served.client.get(path, params={"format": "svg", "theme": theme})
        for theme in ("light", "dark")
    )
    wrong = served.client.get(path, params={"format": "svg", "theme": "sepia"})

    assert light.headers["ETag"] != dark.headers["ETag"]
    assert light.content != dark.content
    assert served.client.get(path, params={"format": "svg"}).content == light.content
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/query/theme")
