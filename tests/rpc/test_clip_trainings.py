"""Trainings on clips are refused through gRPC as they are over REST."""

from service.rpc.stubs.zoo.v1 import job_service_pb2 as jobs
from service.rpc.stubs.zoo.v1 import model_service_pb2 as models
from tests.rest.clip_readers import a_reader
from tests.rest.served import a_dataset, a_model, a_set_of_clips
from tests.rpc.channels import Dialled, refusal


def test_a_lip_reader_learns_from_clips_and_a_recognizer_alone(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        talk = a_set_of_clips(dialled.zoo, session)
        talk.clips = 40
        images = a_dataset(dialled.zoo, session).id
        classifier, recognizer, clips = a_model(session).id, a_reader(session).id, talk.id

    def request(teacher: str, dataset: str) -> jobs.SubmitJobRequest:
        return jobs.SubmitJobRequest(
            method="lip_by_speech", teachers=[teacher], dataset_id=dataset
        )

    of_images = refusal(dialled.jobs.SubmitJob, request(classifier, clips))
    on_images = refusal(dialled.jobs.SubmitJob, request(recognizer, images))
    accepted = dialled.jobs.SubmitJob(request(recognizer, clips)).job

    assert (of_images.code, of_images.fields) == ("model_reads_images", ("/teachers/0",))
    assert (on_images.code, on_images.fields) == ("dataset_has_images", ("/dataset_id",))
    assert of_images.remedy
    shown = dialled.models.GetModel(models.GetModelRequest(id=recognizer)).model
    assert (shown.reader.modality, shown.reader.tokens) == ("audio", 2)
    assert not shown.HasField("input")
    assert accepted.method == "lip_by_speech"
