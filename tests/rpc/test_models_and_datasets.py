"""Networks and images come in, are found, change and leave through the gRPC door."""

import hashlib
import threading
from collections.abc import Iterator

import grpc
import pytest
from sqlalchemy import select

from service.core.tables import DatasetRecord, ImageRecord, LabelKind
from service.rpc.stubs.zoo.v1 import common_pb2, model_pb2
from service.rpc.stubs.zoo.v1 import dataset_service_pb2 as datasets
from service.rpc.stubs.zoo.v1 import model_service_pb2 as models
from tests.rest.served import IMAGES, a_dataset, a_graph, a_model, an_affinity, archive, masked
from tests.rpc.channels import Dialled, refusal
from tests.waiting import HANG_SECONDS, eventually


def _manifest(name: str = "fox", *, form: str = "pt2") -> model_pb2.ModelManifest:
    manifest = model_pb2.ModelManifest(name=name, format=form, tags=["wild"])
    manifest.input.height = manifest.input.width = 8
    return manifest


def _upload(
    data: bytes, *, sha256: str | None = None, form: str = "pt2"
) -> Iterator[models.CreateModelRequest]:
    header = models.ModelHeader(
        manifest=_manifest(form=form), filename=f"fox.{form}", sha256=sha256
    )
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


def test_an_onnx_file_is_streamed_in_with_its_format(dialled: Dialled):
    data = b"\x08\x08\x12\x07pytorch" + bytes(40)

    model = dialled.models.CreateModel(_upload(data, form="onnx")).model
    error = refusal(dialled.models.CreateModel, _upload(data, form="pt2"))

    assert model.state == model_pb2.MODEL_STATE_UPLOADED
    assert error.code == "format_mismatch"
    assert error.remedy is not None
    assert "`onnx`" in error.remedy


def test_an_upload_whose_bytes_are_not_those_announced_is_refused(dialled: Dialled):
    error = refusal(dialled.models.CreateModel, _upload(archive(), sha256="0" * 64))

    assert error.code == "checksum_mismatch"
    assert not dialled.models.ListModels(models.ListModelsRequest()).items


def test_a_stream_cut_within_a_file_leaves_nothing_and_can_be_sent_again(dialled: Dialled):
    data, has_ended = archive(), threading.Event()

    def cut() -> Iterator[models.CreateModelRequest]:
        parts = _upload(data)
        yield next(parts)
        yield next(parts)
        has_ended.wait(HANG_SECONDS)

    call = dialled.models.CreateModel.future(cut())
    eventually(lambda: any(file.stat().st_size for file in dialled.zoo.staging.iterdir()))
    call.cancel()
    has_ended.set()

    eventually(lambda: not list(dialled.zoo.staging.iterdir()))
    assert not dialled.models.ListModels(models.ListModelsRequest()).items
    assert dialled.models.CreateModel(_upload(data)).model.name == "fox"


def test_an_upload_without_a_header_is_refused(dialled: Dialled):
    error = refusal(dialled.models.CreateModel, iter([models.CreateModelRequest(chunk=b"bytes")]))

    assert error.code == "header_missing"


def test_a_pickle_is_refused_with_the_remedy(dialled: Dialled):
    error = refusal(dialled.models.CreateModel, _upload(b"\x80\x04anything"))

    assert error.code == "unsafe_format"
    assert error.status == grpc.StatusCode.INVALID_ARGUMENT
    assert error.remedy is not None
    assert "zooscope pack" in error.remedy


def test_a_manifest_that_does_not_fit_names_the_field(dialled: Dialled):
    header = models.ModelHeader(manifest=_manifest())
    header.manifest.input.height = 1

    error = refusal(dialled.models.CreateModel, iter([models.CreateModelRequest(header=header)]))

    assert error.code == "invalid_request"
    assert error.fields == ("/manifest/input/height",)


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
    assert len(dialled.models.ListModels(models.ListModelsRequest()).items) == 1


def test_lists_are_walked_in_pages_and_filtered(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        ids = [a_model(session, name=name).id for name in ("hen", "fox", "hare")]
        a_model(session, name="worm", state="rejected")
    ready = model_pb2.MODEL_STATE_READY

    page = dialled.models.ListModels(models.ListModelsRequest(page_size=2, state=ready))
    rest = dialled.models.ListModels(
        models.ListModelsRequest(page_size=2, state=ready, page_token=page.next_page_token)
    )

    assert [model.id for model in [*page.items, *rest.items]] == ids[::-1]
    assert not rest.next_page_token


def test_a_page_token_of_another_list_is_refused(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        for name in ("hen", "fox"):
            a_model(session, name=name)
    token = dialled.models.ListModels(models.ListModelsRequest(page_size=1)).next_page_token

    error = refusal(
        dialled.models.ListModels, models.ListModelsRequest(page_token=token, name="hen")
    )

    assert error.code == "invalid_page_token"


def test_a_change_needs_the_current_etag(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        id_ = a_model(session).id
    etag = dialled.models.GetModel(models.GetModelRequest(id=id_)).model.etag
    tags = common_pb2.StringList(values=["new"])

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


def test_layers_and_neighbors_are_listed(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        probes = a_dataset(dialled.zoo, session)
        hen, fox = a_model(session, name="hen"), a_model(session, name="fox")
        sketch = [1.0] + [0.0] * 1023 + [0.5] + [0.0] * 511
        hen_graph = a_graph(session, hen, probes, sketch=sketch)
        fox_graph = a_graph(session, fox, probes, sketch=sketch)
        an_affinity(session, hen_graph, fox_graph, node=0.5, edge=0.25)

    layers = dialled.models.ListLayers(models.ListLayersRequest(id=hen.id))
    near = dialled.models.ListNeighbors(
        models.ListNeighborsRequest(
            id=hen.id, dataset_id=probes.id, edge_weight=2, metric="depara"
        )
    )
    assert near.metric == "depara"

    assert [(layer.name, list(layer.shape)) for layer in layers.items] == [("conv", [4, 8, 8])]
    assert [(neighbor.model_id, neighbor.score, neighbor.exact) for neighbor in near.items] == [
        (fox.id, 1.0, True)
    ]


def test_a_manifest_of_images_says_how_to_read_them_and_notes_come_back(dialled: Dialled):
    header = datasets.DatasetHeader(filename="farm.zip")
    header.manifest.name, header.manifest.split = "farm", "train"
    header.manifest.label_folder, header.manifest.encoding = "path", "gbk"
    header.manifest.label_column, header.manifest.image_column = "breed", "photo"
    note = {"code": "skipped_files", "detail": "left out", "count": 1, "names": ["README"]}
    chunk = datasets.CreateDatasetRequest(chunk=archive("cat/1.png", b"png"))
    created = dialled.datasets.CreateDataset(
        iter([datasets.CreateDatasetRequest(header=header), chunk])
    ).dataset
    with dialled.zoo.transaction() as session:
        manifest = session.get_one(DatasetRecord, created.id).manifest
        ready = a_dataset(dialled.zoo, session, notes=[note], label_kind=LabelKind.MULTIPLE)
        for image in session.scalars(select(ImageRecord).where(ImageRecord.position == 1)):
            image.label, image.labels = None, [0, 1]

    shown = dialled.datasets.GetDataset(datasets.GetDatasetRequest(id=ready.id)).dataset
    info = next(dialled.datasets.GetImage(datasets.GetImageRequest(id=ready.id, index=1))).info

    assert (manifest["split"], manifest["label_folder"]) == ("train", "path")
    assert (manifest["encoding"], manifest["label_column"]) == ("gbk", "breed")
    assert (shown.label_kind, shown.notes[0].code, list(shown.notes[0].names)) == (
        "multiple", "skipped_files", ["README"],
    )  # fmt: skip
    assert (list(info.labels), info.HasField("label")) == ([0, 1], False)


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


def test_a_mask_is_sent_as_its_image_is(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        ready = masked(session, a_dataset(dialled.zoo, session))
        plain = a_dataset(dialled.zoo, session)

    parts = list(dialled.datasets.GetMask(datasets.GetMaskRequest(id=ready.id, index=1)))
    image = next(dialled.datasets.GetImage(datasets.GetImageRequest(id=ready.id, index=1))).info
    error = refusal(dialled.datasets.GetMask, datasets.GetMaskRequest(id=plain.id, index=1))

    info = parts[0].info
    assert (info.index, info.media_type, info.sha256) == (1, "image/png", image.mask_sha256)
    assert (info.width, info.height) == (image.width, image.height)
    assert b"".join(part.chunk for part in parts[1:]) == b"\x89PNG two!"
    assert error.code == "mask_not_found"


@pytest.mark.parametrize("index", [IMAGES, -1])
def test_an_image_that_is_not_there_is_not_found(dialled: Dialled, index: int):
    with dialled.zoo.transaction() as session:
        ready = a_dataset(dialled.zoo, session)

    error = refusal(dialled.datasets.GetImage, datasets.GetImageRequest(id=ready.id, index=index))

    assert error.code == "image_not_found"
