"""Datasets of clips show their clips, and whatever needs images refuses them by what fits."""

import pytest

from service.core.tables import DatasetRecord, ModelRecord
from tests.rest.served import PICTURES, Served, a_dataset, a_model, a_set_of_clips

Rows = tuple[DatasetRecord, ModelRecord]


@pytest.fixture
def rows(served: Served) -> Rows:
    """A dataset of clips and a network."""
    with served.zoo.transaction() as session:
        return a_set_of_clips(served.zoo, session), a_model(session)


def test_clips_are_listed_with_links_to_their_pictures(served: Served, rows: Rows):
    path = f"/v1/datasets/{rows[0].id}"

    shown = served.client.get(path).json()
    first, second = served.client.get(f"{path}/clips").json()["items"]

    assert (shown["kind"], shown["clips"], shown["images"]) == ("clips", 2, None)
    assert (first["index"], first["transcript"], first["pinyin"]) == (0, "你好", ["ni3", "hao3"])
    assert first["box"] == {"left": 71, "top": 84, "width": 52, "height": 35}
    assert (second["mel"], second["remarks"]) == (None, ["without_audio"])
    for picture in (first["poster"], first["mel"]):
        answer = served.client.get(picture)
        assert (answer.content, answer.headers["content-type"]) == (PICTURES[0], "image/png")
        again = served.client.get(picture, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304


def test_clips_are_paged(served: Served, rows: Rows):
    path = f"/v1/datasets/{rows[0].id}/clips"

    page = served.client.get(path, params={"page_size": 1}).json()
    token = page["next_page_token"]
    rest = served.client.get(path, params={"page_size": 1, "page_token": token}).json()

    assert [page["items"][0]["index"], rest["items"][0]["index"]] == [0, 1]
    assert rest["next_page_token"] is None


MISSING = {"clips/2/poster": "clip_not_found", "clips/1/mel": "clip_without_sound"}


@pytest.mark.parametrize("path", MISSING)
def test_what_is_not_there_is_not_found(served: Served, rows: Rows, path: str):
    answer = served.client.get(f"/v1/datasets/{rows[0].id}/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, MISSING[path])
    assert answer.json()["remedy"]


@pytest.mark.parametrize("path", ["clips", "clips/0/poster", "clips/0/mel"])
def test_a_dataset_of_images_has_no_clips(served: Served, path: str):
    with served.zoo.transaction() as session:
        dataset = a_dataset(served.zoo, session)

    answer = served.client.get(f"/v1/datasets/{dataset.id}/{path}")

    assert (answer.status_code, answer.json()["code"]) == (422, "dataset_has_images")


READ = (
    "/v1/datasets/{dataset}/images",
    "/v1/datasets/{dataset}/images/0",
    "/v1/models/{model}/attributions/{dataset}/0.png",
    "/v1/maps/{dataset}",
    "/v1/maps/{dataset}/snapshots",
    "/v1/models/{model}/neighbors?dataset={dataset}",
)


@pytest.mark.parametrize("path", READ)
def test_reading_images_of_clips_says_what_fits(served: Served, rows: Rows, path: str):
    answer = served.client.get(path.format(dataset=rows[0].id, model=rows[1].id))

    assert (answer.status_code, answer.json()["code"]) == (422, "dataset_has_clips")
    assert "dataset of images" in answer.json()["remedy"]


def sent(dataset: str, model: str) -> dict[str, dict[str, object]]:
    """A body for every way to use a dataset of images, by route and method."""
    measured = {"inputs": {"model_id": model, "dataset_id": dataset}}
    taught = {"source_model_id": model, "dataset_id": dataset}
    return {
        "/v1/jobs depara": {"method": "depara", **measured},
        "/v1/jobs estimators": {"method": "transferability_estimators", **measured},
        "/v1/jobs heat maps": {
            "method": "attribution_map",
            "inputs": {"model_ids": [model], "dataset_id": dataset, "indices": [0]},
        },
        "/v1/jobs responses": {"method": "unit_responses", **measured},
        "/v1/jobs fine_tune": {"method": "fine_tune", "inputs": taught},
        "/v1/jobs probe": {"method": "linear_probe", "inputs": taught},
        "/v1/rankings target": {"target": {"dataset_id": dataset}, "metric": "logme"},
        "/v1/rankings probes": {
            "target": {"model_id": model},
            "probe_set_id": dataset,
            "metric": "depara",
        },
        "/v1/maps": {"dataset_id": dataset},
        "/v1/concept-searches": {"dataset_id": dataset, "probe_set_id": dataset},
        "/v1/layer-selections": {
            "target": {"model_id": model},
            "source_model_id": model,
            "probe_set_id": dataset,
            "layers": ["conv"],
        },
    }


@pytest.mark.parametrize("case", sent("", ""))
def test_using_clips_as_images_is_refused_when_it_is_submitted(
    served: Served, rows: Rows, case: str
):
    body = sent(rows[0].id, rows[1].id)[case]

    answer = served.client.post(case.split(maxsplit=1)[0], json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "dataset_has_clips"), answer.text


def test_lists_are_filtered_and_counted_by_kind(served: Served, rows: Rows):
    with served.zoo.transaction() as session:
        a_dataset(served.zoo, session)

    query = {"kind": "clips", "include": "facets"}
    listed = served.client.get("/v1/datasets", params=query).json()

    assert {item["id"] for item in listed["items"]} == {rows[0].id}
    kinds = next(facet for facet in listed["facets"] if facet["name"] == "kind")
    assert {value["value"] for value in kinds["values"]} == {"clips", "images"}


REFUSED = {
    "labels of clips": {"kind": "clips", "labels": ["cat"]},
    "a crop of images": {"crop": "full"},
    "no box": {"kind": "clips", "crop": "given"},
    "a box beside": {"kind": "clips", "crop": "full", "crop_box": [0, 0, 1, 1]},
    "a box outside": {"kind": "clips", "crop": "given", "crop_box": [0.5, 0, 0.6, 1]},
    "another kind": {"kind": "sounds"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_manifest_fits_its_kind(served: Served, case: str):
    upload = served.client.post("/v1/uploads", json={"size": 10}).json()["id"]

    body = {"name": "talk", "upload_id": upload, **REFUSED[case]}
    answer = served.client.post("/v1/datasets", json=body)

    assert answer.status_code == 422
