"""Jobs are submitted, followed and ended through the gRPC door; a deadline ends a watch."""

import threading
from typing import Any

import grpc
import pytest

from service.core.operations import owned_rows
from service.core.tables import JobRecord
from service.rpc.stubs.zoo.v1 import job_pb2
from service.rpc.stubs.zoo.v1 import job_service_pb2 as jobs
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as rankings
from tests.rest.served import a_dataset, a_graph, a_model, an_affinity, stored
from tests.rpc.channels import Dialled, refusal
from tests.waiting import HANG_SECONDS, eventually


def _submitted(dialled: Dialled, **params: Any) -> job_pb2.Job:
    with dialled.zoo.transaction() as session:
        model, dataset = a_model(session), a_dataset(dialled.zoo, session)
    request = jobs.SubmitJobRequest(method="depara")
    request.inputs.update({"model_id": model.id, "dataset_id": dataset.id})
    request.params.update(params)
    return dialled.jobs.SubmitJob(request).job


def test_parameters_arrive_filled_in_and_whole_numbers_stay_whole(dialled: Dialled):
    job = _submitted(dialled, grid=16)

    assert job.state == job_pb2.JOB_STATE_QUEUED
    with dialled.zoo.transaction() as session:
        params = owned_rows.get(session, JobRecord, project="default", id=job.id).params
    assert params["grid"] == 16
    assert isinstance(params["grid"], int)
    assert params["attribution"] == "gxi"


def test_parameters_that_do_not_fit_name_the_field(dialled: Dialled):
    request = jobs.SubmitJobRequest(method="depara")
    request.inputs.update({"model_id": "mdl_1", "dataset_id": "dst_1"})
    request.params.update({"grid": 2})

    error = refusal(dialled.jobs.SubmitJob, request)

    assert (error.code, error.fields) == ("invalid_params", ("/params/grid",))


def test_a_watch_tells_what_happened_and_ends_with_the_job(dialled: Dialled):
    job = _submitted(dialled)
    trained_on: list[str] = []

    def watch() -> None:
        stream = dialled.jobs.WatchJob(jobs.WatchJobRequest(id=job.id), timeout=HANG_SECONDS)
        trained_on.extend(answer.event.type for answer in stream)

    watching = threading.Thread(target=watch)
    watching.start()
    eventually(lambda: trained_on)
    dialled.jobs.CancelJob(jobs.CancelJobRequest(id=job.id))
    watching.join(HANG_SECONDS)

    assert not watching.is_alive()
    assert trained_on == ["queued", "cancelled"]


def test_a_watch_goes_on_behind_a_given_event(dialled: Dialled):
    job = _submitted(dialled)
    dialled.jobs.CancelJob(jobs.CancelJobRequest(id=job.id))

    later = list(
        dialled.jobs.WatchJob(jobs.WatchJobRequest(id=job.id, after_seq=1), timeout=HANG_SECONDS)
    )

    assert [answer.event.seq for answer in later] == [2]


def test_the_deadline_of_a_watch_ends_it_and_frees_its_place(dialled: Dialled):
    job = _submitted(dialled)

    for _ in range(50):
        stream = dialled.jobs.WatchJob(jobs.WatchJobRequest(id=job.id), timeout=0.05)
        with pytest.raises(grpc.RpcError) as error:
            list(stream)
        assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED

    first = next(dialled.jobs.WatchJob(jobs.WatchJobRequest(id=job.id), timeout=HANG_SECONDS))
    assert first.event.type == "queued"


def test_a_cancelled_job_is_queued_again_by_a_retry(dialled: Dialled):
    job = _submitted(dialled)
    dialled.jobs.CancelJob(jobs.CancelJobRequest(id=job.id))

    again = dialled.jobs.RetryJob(jobs.RetryJobRequest(id=job.id)).job

    assert (again.id, again.state) == (job.id, job_pb2.JOB_STATE_QUEUED)


def test_jobs_are_listed_by_state(dialled: Dialled):
    queued, cancelled = _submitted(dialled), _submitted(dialled, seed=1)
    dialled.jobs.CancelJob(jobs.CancelJobRequest(id=cancelled.id))

    listed = dialled.jobs.ListJobs(jobs.ListJobsRequest(state=job_pb2.JOB_STATE_QUEUED)).items

    assert [job.id for job in listed] == [queued.id]


def test_the_files_of_a_job_are_listed_and_sent(dialled: Dialled):
    from service.core.tables import ArtifactRecord

    job = _submitted(dialled)
    data = bytes(range(256)) * 12_000
    with dialled.zoo.transaction() as session:
        session.add(
            ArtifactRecord(
                id="art_1",
                project="default",
                job_id=job.id,
                name="map.svg",
                media_type="image/svg+xml",
                sha256=stored(dialled.zoo, data),
                size_bytes=len(data),
            )
        )

    listed = dialled.jobs.ListArtifacts(jobs.ListArtifactsRequest(job_id=job.id)).items
    parts = list(dialled.jobs.DownloadArtifact(jobs.DownloadArtifactRequest(id=listed[0].id)))

    assert parts[0].artifact == listed[0]
    assert b"".join(part.chunk for part in parts[1:]) == data


def test_a_ranking_of_measured_networks_is_there_at_once_and_weighs_edges_again(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        probes = a_dataset(dialled.zoo, session)
        hen, fox, hare = (a_model(session, name=name) for name in ("hen", "fox", "hare"))
        hen_graph, fox_graph, hare_graph = (
            a_graph(session, model, probes) for model in (hen, fox, hare)
        )
        an_affinity(session, hen_graph, fox_graph, node=0.9, edge=0.1)
        an_affinity(session, hen_graph, hare_graph, node=0.5, edge=0.9)

    ranking = dialled.transferability.Rank(
        rankings.RankRequest(
            target=rankings.RankTarget(model_id=hen.id),
            probe_set_id=probes.id,
            metric="depara",
            edge_weight=0.1,
        )
    ).ranking
    reweighted = dialled.transferability.GetRanking(
        rankings.GetRankingRequest(id=ranking.id, edge_weight=4)
    ).ranking

    assert ranking.state == rankings.RANKING_STATE_READY
    assert [item.name for item in ranking.items] == ["fox", "hare"]
    assert [item.name for item in reweighted.items] == ["hare", "fox"]
    assert ranking.items[0].interval[0] < 0.91 < ranking.items[0].interval[1]


def test_a_ranking_of_unmeasured_networks_is_pending_with_a_job(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        probes = a_dataset(dialled.zoo, session)
        hen, fox = a_model(session, name="hen"), a_model(session, name="fox")

    ranking = dialled.transferability.Rank(
        rankings.RankRequest(
            target=rankings.RankTarget(model_id=hen.id),
            probe_set_id=probes.id,
            candidates=rankings.Candidates(model_ids=[fox.id]),
        )
    ).ranking

    assert ranking.state == rankings.RANKING_STATE_PENDING
    assert ranking.job_id.startswith("job_")


def test_a_map_that_was_not_drawn_yet_is_ordered_as_a_job(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        probes = a_dataset(dialled.zoo, session)
        a_graph(session, a_model(session), probes)
        dataset_id = probes.id

    asked = rankings.GetMapRequest(dataset_id=dataset_id)
    missing = refusal(dialled.transferability.GetMap, asked)
    order = rankings.CreateMapRequest(dataset_id=dataset_id, linkage="ward")
    answer = dialled.transferability.CreateMap(order)

    assert (missing.status, missing.code) == (grpc.StatusCode.NOT_FOUND, "not_measured")
    assert answer.job.method == "transferability_map"
    assert answer.job.params["linkage"] == "ward"


def test_a_map_in_an_unknown_format_is_refused(dialled: Dialled):
    error = refusal(
        dialled.transferability.GetMap, rankings.GetMapRequest(dataset_id="dst_1", format="gif")
    )

    assert (error.code, error.fields) == ("invalid_request", ("/query/format",))


def test_a_training_is_submitted_with_its_own_fields(dialled: Dialled):
    manifest = {"name": "hen", "classes": ["cat", "dog"], "input": {"height": 8, "width": 8}}
    with dialled.zoo.transaction() as session:
        teacher = a_model(session, manifest=manifest, output_kind="vector").id
        data = a_dataset(dialled.zoo, session).id
    request = jobs.SubmitJobRequest(
        method="knowledge_distillation", teachers=[teacher], dataset_id=data, seed=3, device="cpu"
    )
    request.student.update({"width": 8})
    request.budget.update({"steps": 5})

    job = dialled.jobs.SubmitJob(request).job

    with dialled.zoo.transaction() as session:
        record = owned_rows.get(session, JobRecord, project="default", id=job.id)
    assert record.inputs == {"teachers": [teacher], "dataset_id": data, "eval_dataset_id": None}
    assert (record.params["student"]["width"], record.params["seed"]) == (8, 3)
    assert record.params["budget"] == {"steps": 5, "seconds": None}
