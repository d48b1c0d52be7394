"""/content never hands out a pickle, whatever state its model is in."""

import io
import json
import zipfile

import pytest

from tests.rest.served import MANIFEST, Served, a_model, archive, stored


def zipped(*names: str, data: bytes = b"\x80\x04.") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for name in ("fox/models/model.json", *names):
            out.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


@pytest.mark.parametrize(
    "name",
    ["fox/data/sample_inputs/model.pt", "fox/data/weights/weight_0", "fox/data.pkl", "fox/x.so"],
)
def test_an_unchecked_archive_that_may_hold_a_pickle_is_not_handed_out(served: Served, name: str):
    files = {"manifest": (None, json.dumps(MANIFEST)), "file": ("fox.pt2", zipped(name))}
    model = served.client.post("/v1/models", files=files).json()

    answer = served.client.get(f"/v1/models/{model['id']}/content")

    assert (answer.status_code, answer.json()["code"]) == (409, "model_not_ready")


@pytest.mark.parametrize("state", ["ready", "rejected"])
def test_an_archive_of_an_earlier_release_is_not_handed_out(served: Served, state: str):
    digest = stored(served.zoo, zipped("fox/data/sample_inputs/model.pt"))
    with served.zoo.transaction() as session:
        model = a_model(session, upload_sha256=digest, program_sha256=digest, state=state)

    answer = served.client.get(f"/v1/models/{model.id}/content")

    assert (answer.status_code, answer.json()["code"]) == (409, "content_holds_pickle")


@pytest.mark.parametrize("data", [archive(), zipped("fox/data/weights/weight_0")])
def test_a_checked_archive_without_pickles_is_handed_out(served: Served, data: bytes):
    digest = stored(served.zoo, data)
    with served.zoo.transaction() as session:
        model = a_model(session, upload_sha256=digest, program_sha256=digest)

    assert served.client.get(f"/v1/models/{model.id}/content").content == data
