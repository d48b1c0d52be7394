"""A layer selection is computed once and read for any edge weight; invalid requests are refused."""

import pytest
from sqlalchemy import select

from service.core.operations.layers import selections
from service.core.tables import JobDependencyRecord, JobRecord, LayerSelectionRecord, ModelRecord
from tests.rest.served import Served, a_dataset, a_model

LAYERS = [
    {"name": "conv", "kind": "Conv2d", "shape": [4, 8, 8]},
    {"name": "act", "kind": "ReLU", "shape": [4, 8, 8]},
    {"name": "pool", "kind": "AvgPool2d", "shape": [4, 1, 1]},
    {"name": "fc", "kind": "Linear", "shape": [3]},
]
PATH = "/v1/layer-selections"


def part(layer: str, node: float | None, edge: float | None, status: str = "ok") -> dict:
    spread = {"node_variance": 0.01, "edge_variance": 0.04, "covariance": 0.0}
    index = {"kind": "ReLU", "shape": [4], "depth": 0.5, "operations_share": 0.2, "detail": None}
    parts = {"node_similarity": node, "edge_similarity": edge, "valid_probes": 2}
    return {"layer": layer, "status": status, **index, **parts, **spread}


PARTS = [part("act", 0.5, 0.1), part("pool", 0.2, 0.3), part("fc", 0.9, None, "constant_edges")]


@pytest.fixture
def zoo_ids(served: Served) -> dict[str, str]:
    """A source (fox) with layers, a target (hen), and a labelled probe set."""
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session)
        fox = a_model(session, name="fox", layers=LAYERS, feature_layer="pool")
        hen = a_model(session, name="hen", layers=LAYERS, output_kind="vector")
        return {"probes": probes.id, "fox": fox.id, "hen": hen.id}


def ask(served: Served, zoo_ids: dict[str, str], **changes: object):
    body = {
        "source_model_id": zoo_ids["fox"],
        "target": {"model_id": zoo_ids["hen"]},
        "probe_set_id": zoo_ids["probes"],
    }
    output = {name: value for name, value in {**body, **changes}.items() if value is not None}
    return served.client.post(PATH, json=output)


def fill(served: Served, selection_id: str) -> None:
    """As the job's end would."""
    with served.zoo.transaction() as session:
        record = session.get_one(LayerSelectionRecord, selection_id)
        selections.finish(record, layers=PARTS, measured={})


def test_a_new_selection_is_pending_with_a_job(served: Served, zoo_ids):
    answer = ask(served, zoo_ids)

    response = answer.json()
    assert (answer.status_code, response["state"], response["layers"]) == (202, "pending", [])
    assert response["choice"] is None
    assert response["progress"] == {"step": 0, "total": 1, "message": "waiting"}
    assert response["target_layer"] == "output"
    with served.zoo.transaction() as session:
        job = session.get_one(JobRecord, response["job_id"])
        record = session.get_one(LayerSelectionRecord, response["id"])
    assert (job.method, job.inputs) == ("layer_selection", {"selection_id": response["id"]})
    assert record.candidates == ["act", "pool"]
    assert served.client.get(answer.headers["Location"]).json() == response


def test_an_equal_request_returns_the_same_selection(served: Served, zoo_ids):
    first = ask(served, zoo_ids)
    waiting = ask(served, zoo_ids, data="scarce")
    fill(served, first.json()["id"])

    ready = ask(served, zoo_ids, data="scarce")

    assert [item.status_code for item in (first, waiting, ready)] == [202, 202, 201]
    assert len({item.json()["id"] for item in (first, waiting, ready)}) == 1
    assert (first.json()["edge_weight"], ready.json()["edge_weight"]) == (1.0, 10.0)
    assert served.client.get(ready.headers["Location"]).json() == ready.json()


@pytest.mark.parametrize(
    ("changes", "count"), [({"layers": ["pool"]}, 1), ({"settings": {"seed": 1}}, 2)]
)
def test_other_layers_or_settings_are_another_selection(served: Served, zoo_ids, changes, count):
    first = ask(served, zoo_ids).json()

    other = ask(served, zoo_ids, **changes).json()

    assert other["id"] != first["id"]
    with served.zoo.transaction() as session:
        record = session.get_one(LayerSelectionRecord, other["id"])
    assert len(record.candidates) == count


def test_a_selection_is_read_for_any_edge_weight(served: Served, zoo_ids):
    path = f"{PATH}/{ask(served, zoo_ids).json()['id']}"
    fill(served, path.rpartition("/")[2])

    def read(**params: object) -> dict:
        return served.client.get(path, params=params).json()

    ample, scarce, nodes = read(), read(data="scarce"), read(edge_weight=0)
    assert ample["choice"]["layer"] == "act"
    assert ample["choice"]["score"] == pytest.approx(0.6)
    assert ample["choice"]["margin"] == pytest.approx(0.1)
    assert ample["choice"]["runner_up"] == "pool"
    assert ample["layers"][2]["score"] is None
    assert scarce["choice"]["layer"] == "pool"
    assert scarce["choice"]["score"] == pytest.approx(3.2)
    assert nodes["choice"]["layer"] == "fc"
    assert ample["baselines"] == {"middle": "pool", "deepest": "pool"}


def test_an_unchanged_selection_is_not_sent_again(served: Served, zoo_ids):
    path = f"{PATH}/{ask(served, zoo_ids).json()['id']}"
    fill(served, path.rpartition("/")[2])
    etag = served.client.get(path).headers["ETag"]

    again = served.client.get(path, headers={"If-None-Match": etag})
    weighed = served.client.get(path, params={"edge_weight": 2}, headers={"If-None-Match": etag})

    assert (again.status_code, weighed.status_code) == (304, 200)


def test_the_same_idempotency_key_makes_one_selection(served: Served, zoo_ids):
    body = {
        "source_model_id": zoo_ids["fox"],
        "target": {"model_id": zoo_ids["hen"]},
        "probe_set_id": zoo_ids["probes"],
    }
    headers = {"Idempotency-Key": "once"}

    first, second = (served.client.post(PATH, json=body, headers=headers) for _ in range(2))

    assert second.json() == first.json()
    assert second.headers["Idempotency-Replayed"] == "true"


def test_a_labeled_target_gets_a_reference_network_first(served: Served, zoo_ids):
    target = {"dataset_id": zoo_ids["probes"]}

    response = ask(served, zoo_ids, target=target, probe_set_id=None).json()

    assert (response["probe_set_id"], response["target_layer"]) == (zoo_ids["probes"], "output")
    with served.zoo.transaction() as session:
        target_model = session.get_one(ModelRecord, response["target_model_id"])
        waits = session.scalars(
            select(JobDependencyRecord.depends_on).where(
                JobDependencyRecord.job_id == response["job_id"]
            )
        ).all()
    assert target_model.state == "pending"
    assert waits == [target_model.job_id]


def test_a_target_without_classes_is_compared_at_its_feature_layer(served: Served, zoo_ids):
    softmax = [*LAYERS, {"name": "p", "kind": "Softmax", "shape": [3]}]
    with served.zoo.transaction() as session:
        dense = a_model(session, task_kind="depth", layers=LAYERS, feature_layer="act").id
        sure = a_model(session, layers=softmax, output_kind="vector").id

    looked = [
        ask(served, zoo_ids, target={"model_id": dense}).json()["target_layer"],
        ask(served, zoo_ids, target={"model_id": sure}).json()["target_layer"],
        ask(served, zoo_ids, target_layer="pool").json()["target_layer"],
    ]

    assert looked == ["act", "fc", "pool"]


def test_all_layers_excludes_the_output(served: Served, zoo_ids):
    response = ask(served, zoo_ids, layers="all").json()

    with served.zoo.transaction() as session:
        record = session.get_one(LayerSelectionRecord, response["id"])
    assert record.candidates == ["conv", "act", "pool"]


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"source_model_id": "mdl_0"}, "unknown_model", "/source_model_id"),
        ({"target": {"model_id": "mdl_0"}}, "unknown_model", "/target/model_id"),
        ({"target": {"dataset_id": "dst_0"}}, "unknown_dataset", "/target/dataset_id"),
        ({"probe_set_id": "dst_0"}, "unknown_dataset", "/probe_set_id"),
        ({"layers": ["act", "nowhere"]}, "unknown_layer", "/layers/1"),
        ({"target_layer": "nowhere"}, "unknown_layer", "/target_layer"),
    ],
)
def test_unknown_ids_and_layers_are_refused_with_their_pointer(
    served, zoo_ids, changes, code, pointer
):
    answer = ask(served, zoo_ids, **changes)

    response = answer.json()
    assert (answer.status_code, response["code"]) == (422, code)
    assert response["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "changes",
    [
        {"data": "scarce", "edge_weight": 1},
        {"data": "some"},
        {"edge_weight": -1},
        {"edge_weight": "NaN"},
        {"layers": []},
        {"layers": "some"},
        {"target": {}},
        {"probe_set_id": None},
        {"settings": {"attribution": "occlusion"}},
    ],
)
def test_a_request_that_contradicts_itself_is_refused(served: Served, zoo_ids, changes):
    body = {
        "source_model_id": zoo_ids["fox"],
        "target": {"model_id": zoo_ids["hen"]},
        "probe_set_id": zoo_ids["probes"],
    }

    assert served.client.post(PATH, json={**body, **changes}).status_code == 422


@pytest.mark.parametrize("params", [{"edge_weight": -1}, {"data": "ample", "edge_weight": 1}])
def test_invalid_query_parameters_are_refused(served: Served, zoo_ids, params):
    path = f"{PATH}/{ask(served, zoo_ids).json()['id']}"

    assert served.client.get(path, params=params).status_code == 422


def test_a_source_without_a_layer_before_its_output_is_refused(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        flat = a_model(session, layers=LAYERS[3:], feature_layer=None).id

    answer = ask(served, zoo_ids, source_model_id=flat)

    assert (answer.status_code, answer.json()["code"]) == (422, "no_candidate_layers")


def test_probe_sets_and_networks_that_are_too_large_are_refused(served: Served, zoo_ids):
    names = [{"name": str(n), "kind": "Conv2d", "shape": [1]} for n in range(1100)]
    with served.zoo.transaction() as session:
        many = a_dataset(served.zoo, session, images=2049).id
        deep = a_model(session, layers=names).id

    probes = ask(served, zoo_ids, probe_set_id=many).json()
    layers = ask(served, zoo_ids, source_model_id=deep, layers="all").json()

    assert (probes["code"], layers["code"]) == ("probe_set_too_large", "too_many_layers")


def test_unsuitable_networks_and_targets_are_refused(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        late = a_model(session, state="checking").id
        plain = a_dataset(served.zoo, session, labels=None).id

    source = ask(served, zoo_ids, source_model_id=late)
    target = ask(served, zoo_ids, target={"dataset_id": plain})

    assert (source.status_code, source.json()["code"]) == (409, "model_not_ready")
    assert target.json()["code"] == "target_unlabeled"


def test_a_failed_selection_reports_the_reason_and_can_be_requested_again(served: Served, zoo_ids):
    first = ask(served, zoo_ids).json()
    with served.zoo.transaction() as session:
        record = session.get_one(LayerSelectionRecord, first["id"])
        record.state, record.error = "failed", {"code": "target_degenerate", "detail": "flat"}

    response = served.client.get(f"{PATH}/{first['id']}").json()
    again = ask(served, zoo_ids)

    assert (response["state"], response["error"]["code"]) == ("failed", "target_degenerate")
    assert (again.status_code, again.json()["id"] != first["id"]) == (202, True)


def test_a_selection_of_another_project_is_not_found(served: Served, zoo_ids):
    path = f"{PATH}/{ask(served, zoo_ids).json()['id']}"

    answer = served.with_scopes("read", project="other").get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "layer_selection_not_found")


def test_requesting_a_selection_needs_the_scope_jobs(served: Served, zoo_ids):
    reader = served.with_scopes("read")

    assert reader.post(PATH, json={}).status_code == 403
