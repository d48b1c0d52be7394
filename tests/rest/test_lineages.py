"""A lineage tells each network, job and dataset once, whatever was removed, and nobody else's."""

from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from service.core.operations.lineages import lineages
from service.core.tables import JobRecord, JobState, ModelRecord
from tests.rest.families import Family, a_family, a_student, a_training
from tests.rest.served import Served, a_dataset, a_model


@pytest.fixture
def family(served: Served) -> Family:
    """Three generations with a diamond."""
    with served.zoo.transaction() as session:
        return a_family(served.zoo, session)


def told(served: Served, model_id: str, **asked: Any) -> dict[str, Any]:
    answer = served.client.get(f"/v1/models/{model_id}/lineage", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(lineage: dict[str, Any], kind: str = "model") -> list[str]:
    return sorted(one["name"] for one in lineage["nodes"] if one["kind"] == kind)


def removed(served: Served, model_id: str) -> None:
    path = f"/v1/models/{model_id}"
    etag = served.client.get(path).json()["etag"]
    assert served.client.delete(path, headers={"If-Match": etag}).status_code == 204


def test_three_generations_are_told_and_a_shared_ancestor_once(served: Served, family: Family):
    lineage = told(served, family.hare, direction="ancestors")

    nodes = {one["id"]: one for one in lineage["nodes"]}
    assert len(nodes) == len(lineage["nodes"]) == 4 + 3 + 2
    assert names(lineage) == ["fox", "hare", "hen", "owl"]
    assert names(lineage, "dataset") == ["sea", "sky"]
    assert names(lineage, "job") == ["knowledge_distillation"] * 3
    hare = nodes[family.hare]
    assert hare["measured"] == {"accuracy": 0.75, "retention": 0.9}
    assert (hare["task"], hare["parameters"], hare["state"]) == ("classification", 7, "ready")
    job = next(one for one in lineage["nodes"] if one["kind"] == "job")
    assert (job["state"], job["seed"], job["budget"]) == ("succeeded", 3, {"steps": 100})
    assert nodes[family.sea]["images"] == 2
    assert lineage["notes"] == []


def test_edges_say_who_gave_what(served: Served, family: Family):
    lineage = told(served, family.fox, direction="ancestors")

    job = next(one["id"] for one in lineage["nodes"] if one["kind"] == "job")
    edges = {(one["source"], one["target"], one["role"]) for one in lineage["edges"]}
    assert edges == {
        (family.owl, job, "teacher"),
        (family.sea, job, "dataset"),
        (family.sky, job, "eval_dataset"),
        (job, family.fox, "student"),
    }


def test_who_gave_first_weights_is_told_from_both_ends(served: Served, family: Family):
    with served.zoo.transaction() as session:
        cub = a_student(session, "cub", [family.hen], student={"init": family.fox}).id

    back = told(served, cub, direction="ancestors")
    forth = told(served, family.fox, direction="descendants")

    started = {(one["source"], one["role"]) for one in back["edges"] if one["role"] == "start"}
    assert started == {(family.fox, "start")}
    assert names(back) == ["cub", "fox", "hen", "owl"]
    assert names(forth) == ["cub", "fox", "hare", "hen"]


def test_descendants_come_with_their_other_teachers_but_not_with_those_teachers_own(
    served: Served, family: Family
):
    forth = told(served, family.fox, direction="descendants")
    both = told(served, family.fox)

    assert names(forth) == ["fox", "hare", "hen"]
    assert names(both) == ["fox", "hare", "hen", "owl"]
    assert len(names(forth, "job")) == 1
    assert len(names(both, "job")) == 2


def test_fewer_generations_are_told_with_a_note(served: Served, family: Family):
    back = told(served, family.hare, direction="ancestors", generations=1)
    forth = told(served, family.owl, direction="descendants", generations=1)
    whole = told(served, family.owl, direction="descendants", generations=2)

    assert names(back) == ["fox", "hare", "hen"]
    assert names(forth) == ["fox", "hen", "owl"]
    assert [one["code"] for one in (*back["notes"], *forth["notes"])] == ["more_generations"] * 2
    assert whole["notes"] == []


def test_a_removed_teacher_is_gone_and_what_it_came_from_is_still_known(
    served: Served, family: Family
):
    removed(served, family.fox)

    back = told(served, family.hare)
    forth = told(served, family.owl)

    for lineage in (back, forth):
        fox = next(one for one in lineage["nodes"] if one["id"] == family.fox)
        assert (fox["state"], fox["name"]) == ("gone", "fox")
        assert names(lineage) == ["fox", "hare", "hen", "owl"]


def test_a_removed_upload_is_gone_without_a_name(served: Served, family: Family):
    removed(served, family.owl)

    owl = next(one for one in told(served, family.hen)["nodes"] if one["id"] == family.owl)

    assert (owl["kind"], owl["name"], owl["state"]) == ("model", "", "gone")


def test_removed_images_are_gone(served: Served, family: Family):
    path = f"/v1/datasets/{family.sky}"
    etag = served.client.get(path).headers["ETag"]
    assert served.client.delete(path, headers={"If-Match": etag}).status_code == 204

    sky = next(one for one in told(served, family.hen)["nodes"] if one["id"] == family.sky)

    assert (sky["kind"], sky["state"], sky["images"]) == ("dataset", "gone", None)


def test_a_training_under_way_is_told_without_a_student(served: Served, family: Family):
    with served.zoo.transaction() as session:
        running = a_training(session, [family.hare]).id
        a_training(session, [family.hare], state=JobState.FAILED)

    lineage = told(served, family.hare, direction="descendants")

    assert [one["id"] for one in lineage["nodes"]] == [family.hare, running]
    assert lineage["nodes"][1]["state"] == "running"


def test_networks_of_another_project_are_not_there(served: Served, family: Family):
    with served.zoo.transaction() as session:
        stolen = a_student(session, "stolen", [family.owl], project="elsewhere").id
        a_student(session, "mixed", [family.owl, stolen])
    stranger = served.with_scopes("read", project="elsewhere")

    lineage = told(served, family.owl)
    theirs = stranger.get(f"/v1/models/{stolen}/lineage").json()

    assert names(lineage) == ["", "fox", "hare", "hen", "mixed", "owl"]
    assert [one["state"] for one in lineage["nodes"] if one["id"] == stolen] == ["gone"]
    assert [one["state"] for one in theirs["nodes"] if one["id"] == family.owl] == ["gone"]
    assert names(theirs) == ["", "stolen"]
    assert stranger.get(f"/v1/models/{family.fox}/lineage").status_code == 404


def test_a_network_from_a_job_without_teachers_belongs_too(served: Served):
    with served.zoo.transaction() as session:
        images = a_dataset(served.zoo, session).id
        job = a_training(session, [], state=JobState.SUCCEEDED)
        job.method = "reference_network"
        job.inputs = {"dataset_id": images, "model_id": "mdl_1"}
        told_of_it = {"method": "reference_network", "datasets": [images]}
        model = a_model(session, name="stand-in", lineage=told_of_it, job_id=job.id).id

    lineage = told(served, model)

    assert names(lineage, "dataset") == ["farm"]
    assert [one["role"] for one in lineage["edges"]] == ["dataset", "student"]


def test_an_uploaded_network_has_no_lineage_but_itself(served: Served):
    with served.zoo.transaction() as session:
        model = a_model(session, job_id="job_1").id

    lineage = told(served, model)

    assert [one["id"] for one in lineage["nodes"]] == [model]
    assert lineage["edges"] == []


def test_a_circle_ends(served: Served, family: Family):
    with served.zoo.transaction() as session:
        owl = session.get_one(ModelRecord, family.owl)
        job = a_training(session, [family.hare], state=JobState.SUCCEEDED)
        owl.lineage = {"job_id": job.id, "teachers": [family.hare]}

    assert len(told(served, family.hen)["nodes"]) == 4 + 4 + 2
    assert served.client.get(
        f"/v1/models/{family.hen}/lineage", params={"format": "svg"}
    ).content.startswith(b"<svg")


def test_a_crowd_is_cut_with_a_note(served: Served, family: Family, monkeypatch):
    monkeypatch.setattr(lineages, "MOST_NODES", 6)

    lineage = told(served, family.hare, direction="ancestors")

    assert len(lineage["nodes"]) <= 6
    assert [one["code"] for one in lineage["notes"]] == ["too_many_nodes"]
    known = {one["id"] for one in lineage["nodes"]}
    assert all({one["source"], one["target"]} <= known for one in lineage["edges"])


def test_a_known_etag_is_answered_without_a_body_until_something_changes(
    served: Served, family: Family
):
    path = f"/v1/models/{family.owl}/lineage"
    for form in ({}, {"format": "svg"}, {"format": "graphml"}):
        seen = served.client.get(path, params=form).headers["ETag"]
        again = served.client.get(path, params=form, headers={"If-None-Match": seen})
        assert (again.status_code, again.content) == (304, b"")

    with served.zoo.transaction() as session:
        session.get_one(JobRecord, session.scalars(select(JobRecord.id)).first()).state = "failed"

    assert served.client.get(path, headers={"If-None-Match": seen}).status_code == 200


def test_the_picture_is_a_file_that_browsers_draw(served: Served, family: Family):
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
def test_what_cannot_be_asked_is_refused_with_a_pointer(
    served: Served, family: Family, asked: dict[str, Any], pointer: str
):
    answer = served.client.get(f"/v1/models/{family.owl}/lineage", params=asked)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_missing_network_has_no_lineage(served: Served):
    answer = served.client.get("/v1/models/mdl_0/lineage")

    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")


def test_a_lineage_is_drawn_in_the_theme_that_is_asked_for(served: Served, family: Family):
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
