"""Networks and images come in, are found, change and leave through the gRPC door."""

import hashlib
from collections.abc import Iterator

import grpc
import pytest

from service.rpc.stubs.zoo.v1 import dataset_service_pb2 as datasets
from service.rpc.stubs.zoo.v1 import model_pb2
from service.rpc.stubs.zoo.v1 import model_service_pb2 as models
from tests.rest.served import a_dataset, a_graph, a_model, an_affinity, archive
from tests.rpc.channels import Dialled, refusal


def _manifest(name: str = "fox") -> model_pb2.ModelManifest:
    manifest = model_pb2.ModelManifest(name=name, format="pt2", tags=["wild"])
    manifest.input.height = manifest.input.width = 8
    return manifest


def _upload(data: bytes, *, sha256: str | None = None) -> Iterator[models.CreateModelRequest]:
    header = models.ModelHeader(manifest=_manifest(), filename="fox.pt2", sha256=sha256)
    yield models.CreateModelRequest(header=header)
    for start in range(0, len(data), 100):
        yield models.CreateModelRequest(chunk=data[start : start + 100])


def test_a_network_that_was_streamed_in_comes_back_byte_by_byte(dialled: Dialled):
    data = archive()

    model = dialled.models.CreateModel(
        _upload(data, sha256=hashlib.sha256(data).hexdigest())
    ).model

    assert model.state == model_pb2.MODEL_STATE_UPLOADED
    assert (model.input.height, model.input.channels, list(model.input.mean)) == (8, 3, [0, 0, 0])
    parts = dialled.models.DownloadModel(models.DownloadModelRequest(id=model.id))
    assert b"".join(part.chunk for part in parts) == data


def test_an_upload_whose_bytes_are_not_those_announced_is_refused(dialled: Dialled):
    said = refusal(dialled.models.CreateModel, _upload(archive(), sha256="0" * 64))

    assert said.code == "checksum_mismatch"
    assert not dialled.models.ListModels(models.ListModelsRequest()).models


def test_an_upload_without_a_header_is_refused(dialled: Dialled):
    said = refusal(dialled.models.CreateModel, iter([models.CreateModelRequest(chunk=b"bytes")]))

    assert said.code == "header_missing"


def test_a_pickle_is_refused_with_the_remedy(dialled: Dialled):
    said = refusal(dialled.models.CreateModel, _upload(b"\x80\x04anything"))

    assert said.code == "unsafe_format"
    assert said.status == grpc.StatusCode.INVALID_ARGUMENT
    assert said.remedy is not None
    assert "zooscope pack" in said.remedy


def test_a_manifest_that_does_not_fit_names_the_field(dialled: Dialled):
    header = models.ModelHeader(manifest=_manifest())
    header.manifest.input.height = 1

    said = refusal(dialled.models.CreateModel, iter([models.CreateModelRequest(header=header)]))

    assert said.code == "invalid_request"
    assert said.fields == ("/manifest/input/height",)


def test_arguments_of_an_architecture_arrive_as_integers(dialled: Dialled):
    header = models.ModelHeader(manifest=_manifest(), filename="fox.safetensors")
    header.manifest.format = "safetensors"
    header.manifest.architecture.name = "resnet18"
    header.manifest.architecture.arguments.update({"num_classes": 10})
    head = b"\x10\0\0\0\0\0\0\0" + b'{"w":{}}        '

    model = dialled.models.CreateModel(
        iter([models.CreateModelRequest(header=header), models.CreateModelRequest(chunk=head)])
    ).model

    with dialled.zoo.transaction() as session:
        from service.core.tables import ModelRecord

        stored = session.get_one(ModelRecord, model.id).manifest
    assert stored["architecture"]["arguments"] == {"num_classes": 10}
    assert isinstance(stored["architecture"]["arguments"]["num_classes"], int)


def test_the_same_idempotency_key_makes_one_model(dialled: Dialled):
    metadata = [("idempotency-key", "once")]

    first = dialled.models.CreateModel(_upload(archive()), metadata=metadata).model
    again = dialled.models.CreateModel(_upload(archive()), metadata=metadata).model

    assert first == again
    assert len(dialled.models.ListModels(models.ListModelsRequest()).models) == 1


def test_lists_are_walked_in_pages_and_filtered(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        ids = [a_model(session, name=name).id for name in ("hen", "fox", "hare")]
        a_model(session, name="worm", state="rejected")
    ready = model_pb2.MODEL_STATE_READY

    page = dialled.models.ListModels(models.ListModelsRequest(page_size=2, state=ready))
    rest = dialled.models.ListModels(
        models.ListModelsRequest(page_size=2, state=ready, page_token=page.next_page_token)
    )

    assert [model.id for model in [*page.models, *rest.models]] == ids[::-1]
    assert not rest.next_page_token


def test_a_page_token_of_another_list_is_refused(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        for name in ("hen", "fox"):
            a_model(session, name=name)
    token = dialled.models.ListModels(models.ListModelsRequest(page_size=1)).next_page_token

    said = refusal(
        dialled.models.ListModels, models.ListModelsRequest(page_token=token, name="hen")
    )

    assert said.code == "invalid_page_token"


def test_a_change_needs_the_current_etag(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        id_ = a_model(session).id
    etag = dialled.models.GetModel(models.GetModelRequest(id=id_)).model.etag
    tags = models.TagList(tags=["new"])

    changed = dialled.models.UpdateModel(
        models.UpdateModelRequest(id=id_, etag=etag, name="fox", tags=tags)
    ).model

    assert (changed.name, list(changed.tags)) == ("fox", ["new"])
    stale = refusal(dialled.models.DeleteModel, models.DeleteModelRequest(id=id_, etag=etag))
    assert (stale.code, stale.status) == ("etag_mismatch", grpc.StatusCode.ABORTED)
    bare = refusal(dialled.models.DeleteModel, models.DeleteModelRequest(id=id_))
    assert bare.code == "etag_required"


def test_a_deleted_model_is_gone(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        id_ = a_model(session).id
    etag = dialled.models.GetModel(models.GetModelRequest(id=id_)).model.etag

    dialled.models.DeleteModel(models.DeleteModelRequest(id=id_, etag=etag))

    assert (
        refusal(dialled.models.GetModel, models.GetModelRequest(id=id_)).code == "model_not_found"
    )


def test_layers_and_neighbours_are_told(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        probes = a_dataset(dialled.zoo, session)
        hen, fox = a_model(session, name="hen"), a_model(session, name="fox")
        sketch = [1.0] + [0.0] * 1023 + [0.5] + [0.0] * 511
        one = a_graph(session, hen, probes, sketch=sketch)
        other = a_graph(session, fox, probes, sketch=sketch)
        an_affinity(session, one, other, node=0.5, edge=0.25)

    layers = dialled.models.ListLayers(models.ListLayersRequest(id=hen.id))
    near = dialled.models.ListNeighbors(
        models.ListNeighborsRequest(id=hen.id, dataset_id=probes.id, edge_weight=2)
    ).neighbors

    assert [(one.name, list(one.shape)) for one in layers.layers] == [("conv", [4, 8, 8])]
    assert [(one.model_id, one.score, one.exact) for one in near] == [(fox.id, 1.0, True)]


def test_a_set_of_images_is_created_and_its_images_are_sent(dialled: Dialled):
    header = datasets.DatasetHeader(filename="farm.zip")
    header.manifest.name = "farm"
    created = dialled.datasets.CreateDataset(
        iter(
            [
                datasets.CreateDatasetRequest(header=header),
                datasets.CreateDatasetRequest(chunk=archive("cat/1.png", b"png")),
            ]
        )
    ).dataset
    with dialled.zoo.transaction() as session:
        ready = a_dataset(dialled.zoo, session)

    parts = list(dialled.datasets.GetImage(datasets.GetImageRequest(id=ready.id, index=1)))

    assert created.name == "farm"
    assert created.job_id
    assert (parts[0].info.name, parts[0].info.label) == ("1.png", 1)
    assert b"".join(part.chunk for part in parts[1:]) == b"\x89PNG two!"


@pytest.mark.parametrize("index", [2, -1])
def test_an_image_that_is_not_there_is_not_found(dialled: Dialled, index: int):
    with dialled.zoo.transaction() as session:
        ready = a_dataset(dialled.zoo, session)

    said = refusal(dialled.datasets.GetImage, datasets.GetImageRequest(id=ready.id, index=index))

    assert said.code == "image_not_found"
