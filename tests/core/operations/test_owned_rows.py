"""A row is loaded inside its project only, and a job tells its owner what becomes of it."""

import pytest

from service.container import Zoo
from service.core.errors import ConflictError, InvalidRequestError, NotFoundError
from service.core.operations import owned_rows
from service.core.operations.error_pointers import error_pointer
from service.core.tables import DatasetRecord, DatasetState, LayerSelectionRecord
from tests.jobs.builders import PROJECT, a_dataset


def test_a_row_of_another_project_does_not_exist(zoo: Zoo):
    with zoo.transaction() as session:
        a_dataset(session, id="dst_1")

        with pytest.raises(NotFoundError) as refused:
            owned_rows.get(session, DatasetRecord, project="another", id="dst_1")

    assert refused.value.code == "dataset_not_found"
    assert refused.value.remedy


def test_a_row_is_read_as_it_is_now(zoo: Zoo):
    with zoo.transaction() as session:
        dataset = a_dataset(session, id="dst_1")
        session.expunge(dataset)

        same = owned_rows.get_locked(session, DatasetRecord, project=PROJECT, id="dst_1")

    assert (same.id, same.project) == ("dst_1", PROJECT)


def test_a_dataset_under_check_is_not_ready(zoo: Zoo):
    with zoo.transaction() as session:
        a_dataset(session, id="dst_1", state=DatasetState.CHECKING)

        with pytest.raises(ConflictError) as refused:
            owned_rows.get_ready(session, DatasetRecord, project=PROJECT, id="dst_1")

    assert (refused.value.code, refused.value.remedy is not None) == ("dataset_not_ready", True)


def test_the_code_of_a_kind_with_two_words_has_an_underscore():
    assert owned_rows.not_found(LayerSelectionRecord, "lay_1").code == "layer_selection_not_found"


def test_a_row_that_a_request_names_and_that_does_not_exist_makes_the_request_invalid(zoo: Zoo):
    with (
        zoo.transaction() as session,
        pytest.raises(InvalidRequestError) as refused,
        error_pointer("/inputs/data"),
    ):
        owned_rows.get(session, DatasetRecord, project=PROJECT, id="dst_0")

    assert refused.value.code == "unknown_dataset"
    assert [problem.pointer for problem in refused.value.errors] == ["/inputs/data"]


def test_an_error_that_points_somewhere_keeps_its_pointer():
    with pytest.raises(ConflictError) as refused, error_pointer("/a"), error_pointer("/b"):
        raise ConflictError("busy")

    assert [problem.pointer for problem in refused.value.errors] == ["/b"]
