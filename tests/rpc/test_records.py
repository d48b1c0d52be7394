"""RecordService keeps and lists accuracies as REST does."""

import grpc

from service.rpc.stubs.zoo.v1 import record_service_pb2 as wire
from tests.rpc.dialling import Dialled, refusal


def test_records_are_kept_listed_and_forgotten(dialled: Dialled):
    row = wire.NewRecord(model="oak", dataset="leaves", value=0, seed=2**53 + 1)

    added = dialled.records.AddRecords(wire.AddRecordsRequest(records=[row]))

    listed = dialled.records.ListRecords(wire.ListRecordsRequest(model="oak"))
    assert added.new == 1
    assert list(listed.records) == list(added.records)
    assert (listed.records[0].seed, listed.records[0].protocol) == (2**53 + 1, "other")
    dialled.records.DeleteRecord(wire.DeleteRecordRequest(id=added.records[0].id))
    assert not dialled.records.ListRecords(wire.ListRecordsRequest()).records


def test_a_row_that_makes_no_sense_is_named(dialled: Dialled):
    rows = [wire.NewRecord(model="oak", dataset="leaves", value=value) for value in (0.5, 7)]

    said = refusal(dialled.records.AddRecords, wire.AddRecordsRequest(records=rows))

    assert said.status is grpc.StatusCode.INVALID_ARGUMENT
    assert said.fields == ("/body/records/1",)
