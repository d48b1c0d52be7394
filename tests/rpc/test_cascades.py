"""A cascade is submitted and refused through gRPC as over REST, and its stages are shown."""

from google.protobuf.json_format import ParseDict

from service.rpc.stubs.zoo.v1 import job_service_pb2 as jobs
from service.rpc.stubs.zoo.v1 import model_service_pb2 as models
from tests.rest.cascades import a_cascade, a_set_of_chinese_clips
from tests.rest.served import a_model
from tests.rpc.channels import Dialled, refusal


def test_a_cascade_shares_the_first_stage_of_a_cascade_alone(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        clips = a_set_of_chinese_clips(dialled.zoo, session).id
        cascade, classifier = a_cascade(session).id, a_model(session).id

    def request(first_stage: str) -> jobs.SubmitJobRequest:
        body = {
            "method": "cascade_seq2seq",
            "dataset_id": clips,
            "inputs": {"first_stage": first_stage},
            "params": {"batch_size": 8},
        }
        return ParseDict(body, jobs.SubmitJobRequest())

    accepted = dialled.jobs.SubmitJob(request(cascade)).job
    refused = refusal(dialled.jobs.SubmitJob, request(classifier))
    shown = dialled.models.GetModel(models.GetModelRequest(id=cascade)).model

    assert accepted.method == "cascade_seq2seq"
    assert (refused.code, refused.fields) == ("model_reads_images", ("/inputs/first_stage",))
    assert refused.remedy
    assert [*shown.reader.stages] == ["pinyin", "tone", "character"]
    assert (shown.reader.tokens, shown.reader.pinyin_from) == (2, "pypinyin")
