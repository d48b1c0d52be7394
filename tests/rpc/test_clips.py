"""Clips come in, are listed and shown through gRPC."""

from collections.abc import Iterator

from service.core.tables import DatasetRecord
from service.rpc.stubs.zoo.v1 import dataset_service_pb2 as datasets
from tests.rest.served import PICTURES, a_dataset, a_set_of_clips, archive
from tests.rpc.channels import Dialled, refusal


def test_clips_are_listed_with_their_pictures(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        talk, images = a_set_of_clips(dialled.zoo, session), a_dataset(dialled.zoo, session)

    shown = dialled.datasets.GetDataset(datasets.GetDatasetRequest(id=talk.id)).dataset
    page = dialled.datasets.ListClips(datasets.ListClipsRequest(id=talk.id, page_size=1))
    request = datasets.ListClipsRequest(id=talk.id, page_size=1, page_token=page.next_page_token)
    rest = dialled.datasets.ListClips(request)
    pictures = [
        dialled.datasets.GetClipPicture(
            datasets.GetClipPictureRequest(id=talk.id, index=0, picture=picture)
        ).png
        for picture in ("poster", "mel")
    ]

    assert (shown.kind, shown.clips, shown.HasField("images")) == ("clips", 2, False)
    assert (page.items[0].transcript, list(page.items[0].pinyin)) == ("你好", ["ni3", "hao3"])
    assert (rest.items[0].index, rest.items[0].HasField("mel")) == (1, False)
    assert pictures == [PICTURES[0]] * 2
    image = refusal(dialled.datasets.GetImage, datasets.GetImageRequest(id=talk.id, index=0))
    clips = refusal(dialled.datasets.ListClips, datasets.ListClipsRequest(id=images.id))
    assert (image.code, clips.code) == ("dataset_has_clips", "dataset_has_images")


def test_a_manifest_of_clips_says_what_is_read(dialled: Dialled):
    header = datasets.DatasetHeader(filename="talk.zip")
    header.manifest.name, header.manifest.kind = "talk", "clips"
    header.manifest.crop, header.manifest.transcript_column = "given", "words"
    header.manifest.crop_box.extend([0.25, 0.5, 0.5, 0.25])
    chunk = datasets.CreateDatasetRequest(chunk=archive("a.mp4", b"clip"))
    created = dialled.datasets.CreateDataset(
        iter([datasets.CreateDatasetRequest(header=header), chunk])
    ).dataset

    with dialled.zoo.transaction() as session:
        manifest = session.get_one(DatasetRecord, created.id).manifest

    assert created.kind == "clips"
    assert (manifest["crop"], manifest["crop_box"]) == ("given", [0.25, 0.5, 0.5, 0.25])
    assert manifest["transcript_column"] == "words"


def test_transcripts_make_a_dataset_of_the_same_clips(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        talk, images = a_set_of_clips(dialled.zoo, session), a_dataset(dialled.zoo, session)

    def requests(clips_of: str) -> Iterator[datasets.CreateDatasetRequest]:
        header = datasets.DatasetHeader(filename="said.csv")
        header.manifest.name, header.manifest.kind = "said", "clips"
        header.manifest.clips_of = clips_of
        yield datasets.CreateDatasetRequest(header=header)
        yield datasets.CreateDatasetRequest(chunk=b"path,transcript\na.mp4,hello\n")

    created = dialled.datasets.CreateDataset(requests("talk")).dataset
    with dialled.zoo.transaction() as session:
        manifest = session.get_one(DatasetRecord, created.id).manifest

    assert manifest["clips_of"] == talk.id
    error = refusal(dialled.datasets.CreateDataset, requests(images.id))
    assert error.code == "dataset_has_images"
