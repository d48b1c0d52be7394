"""A layer selection is compared once and read for any edge weight; what cannot be asked is refused."""

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
    place = {"kind": "ReLU", "shape": [4], "depth": 0.5, "operations_share": 0.2, "detail": None}
    parts = {"node_similarity": node, "edge_similarity": edge, "valid_probes": 2}
    return {"layer": layer, "status": status, **place, **parts, **spread}


PARTS = [part("act", 0.5, 0.1), part("pool", 0.2, 0.3), part("fc", 0.9, None, "constant_edges")]


@pytest.fixture
def farm(served: Served) -> dict[str, str]:
    """A source (fox) with layers, a target (hen), and a labelled probe set."""
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session)
        fox = a_model(session, name="fox", layers=LAYERS, feature_layer="pool")
        hen = a_model(session, name="hen", layers=LAYERS, output_kind="vector")
        return {"probes": probes.id, "fox": fox.id, "hen": hen.id}


def ask(served: Served, farm: dict[str, str], **changes: object):
    body = {
        "source_model_id": farm["fox"],
        "target": {"model_id": farm["hen"]},
        "probe_set_id": farm["probes"],
    }
    said = {name: value for name, value in {**body, **changes}.items() if value is not None}
    return served.client.post(PATH, json=said)


def fill(served: Served, selection_id: str) -> None:
    """As the job's end would."""
    with served.zoo.transaction() as session:
        record = session.get_one(LayerSelectionRecord, selection_id)
        selections.finish(record, layers=PARTS, measured={})


def test_what_was_not_compared_is_pending_with_a_job(served: Served, farm):
    answer = ask(served, farm)

    told = answer.json()
    assert (answer.status_code, told["state"], told["layers"]) == (202, "pending", [])
    assert told["choice"] is None
    assert told["progress"] == {"step": 0, "total": 1, "message": "waiting"}
    assert told["target_layer"] == "output"
    with served.zoo.transaction() as session:
        job = session.get_one(JobRecord, told["job_id"])
        record = session.get_one(LayerSelectionRecord, told["id"])
    assert (job.method, job.inputs) == ("layer_selection", {"selection_id": told["id"]})
    assert record.candidates == ["act", "pool"]
    assert served.client.get(answer.headers["Location"]).json() == told


def test_an_equal_request_is_answered_by_the_same_selection(served: Served, farm):
    first = ask(served, farm)
    waiting = ask(served, farm, data="scarce")
    fill(served, first.json()["id"])

    ready = ask(served, farm, data="scarce")

    assert [one.status_code for one in (first, waiting, ready)] == [202, 202, 201]
    assert len({one.json()["id"] for one in (first, waiting, ready)}) == 1
    assert (first.json()["edge_weight"], ready.json()["edge_weight"]) == (1.0, 10.0)
    assert served.client.get(ready.headers["Location"]).json() == ready.json()


@pytest.mark.parametrize(
    ("changes", "count"), [({"layers": ["pool"]}, 1), ({"settings": {"seed": 1}}, 2)]
)
def test_other_layers_or_settings_are_another_selection(served: Served, farm, changes, count):
    first = ask(served, farm).json()

    other = ask(served, farm, **changes).json()

    assert other["id"] != first["id"]
    with served.zoo.transaction() as session:
        record = session.get_one(LayerSelectionRecord, other["id"])
    assert len(record.candidates) == count


def test_a_selection_is_read_for_any_edge_weight(served: Served, farm):
    path = f"{PATH}/{ask(served, farm).json()['id']}"
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


def test_an_unchanged_selection_is_not_sent_again(served: Served, farm):
    path = f"{PATH}/{ask(served, farm).json()['id']}"
    fill(served, path.rpartition("/")[2])
    etag = served.client.get(path).headers["ETag"]

    again = served.client.get(path, headers={"If-None-Match": etag})
    weighed = served.client.get(path, params={"edge_weight": 2}, headers={"If-None-Match": etag})

    assert (again.status_code, weighed.status_code) == (304, 200)


def test_the_same_idempotency_key_makes_one_selection(served: Served, farm):
    body = {
        "source_model_id": farm["fox"],
        "target": {"model_id": farm["hen"]},
        "probe_set_id": farm["probes"],
    }
    headers = {"Idempotency-Key": "once"}

    first, second = (served.client.post(PATH, json=body, headers=headers) for _ in range(2))

    assert second.json() == first.json()
    assert second.headers["Idempotency-Replayed"] == "true"


def test_a_labelled_target_gets_a_network_first(served: Served, farm):
    target = {"dataset_id": farm["probes"]}

    told = ask(served, farm, target=target, probe_set_id=None).json()

    assert (told["probe_set_id"], told["target_layer"]) == (farm["probes"], "output")
    with served.zoo.transaction() as session:
        target_model = session.get_one(ModelRecord, told["target_model_id"])
        waits = session.scalars(
            select(JobDependencyRecord.depends_on).where(
                JobDependencyRecord.job_id == told["job_id"]
            )
        ).all()
    assert target_model.state == "pending"
    assert waits == [target_model.job_id]


def test_a_target_that_is_no_classifier_is_looked_at_where_its_features_are(served: Served, farm):
    softmax = [*LAYERS, {"name": "p", "kind": "Softmax", "shape": [3]}]
    with served.zoo.transaction() as session:
        dense = a_model(session, task_kind="depth", layers=LAYERS, feature_layer="act").id
        sure = a_model(session, layers=softmax, output_kind="vector").id

    looked = [
        ask(served, farm, target={"model_id": dense}).json()["target_layer"],
        ask(served, farm, target={"model_id": sure}).json()["target_layer"],
        ask(served, farm, target_layer="pool").json()["target_layer"],
    ]

    assert looked == ["act", "fc", "pool"]


def test_all_layers_are_all_but_the_answer(served: Served, farm):
    told = ask(served, farm, layers="all").json()

    with served.zoo.transaction() as session:
        record = session.get_one(LayerSelectionRecord, told["id"])
    assert record.candidates == ["conv", "act", "pool"]


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"source_model_id": "mdl_0"}, "unknown_model", "/source_model_id"),
        ({"target": {"model_id": "mdl_0"}}, "unknown_model", "/target/model_id"),
        ({"target": {"dataset_id": "dst_0"}}, "dataset_unknown", "/target/dataset_id"),
        ({"probe_set_id": "dst_0"}, "dataset_unknown", "/probe_set_id"),
        ({"layers": ["act", "nowhere"]}, "unknown_layer", "/layers/1"),
        ({"target_layer": "nowhere"}, "unknown_layer", "/target_layer"),
    ],
)
def test_what_does_not_exist_is_refused_with_its_place(served, farm, changes, code, pointer):
    answer = ask(served, farm, **changes)

    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, code)
    assert told["errors"][0]["pointer"] == pointer


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
def test_a_request_that_contradicts_itself_is_refused(served: Served, farm, changes):
    body = {
        "source_model_id": farm["fox"],
        "target": {"model_id": farm["hen"]},
        "probe_set_id": farm["probes"],
    }

    assert served.client.post(PATH, json={**body, **changes}).status_code == 422


@pytest.mark.parametrize("params", [{"edge_weight": -1}, {"data": "ample", "edge_weight": 1}])
def test_a_reading_that_makes_no_sense_is_refused(served: Served, farm, params):
    path = f"{PATH}/{ask(served, farm).json()['id']}"

    assert served.client.get(path, params=params).status_code == 422


def test_a_source_without_a_layer_before_its_answer_is_refused(served: Served, farm):
    with served.zoo.transaction() as session:
        flat = a_model(session, layers=LAYERS[3:], feature_layer=None).id

    answer = ask(served, farm, source_model_id=flat)

    assert (answer.status_code, answer.json()["code"]) == (422, "no_candidate_layers")


def test_probe_sets_and_networks_that_are_too_large_are_refused(served: Served, farm):
    names = [{"name": str(n), "kind": "Conv2d", "shape": [1]} for n in range(1100)]
    with served.zoo.transaction() as session:
        many = a_dataset(served.zoo, session, images=2049).id
        deep = a_model(session, layers=names).id

    probes = ask(served, farm, probe_set_id=many).json()
    layers = ask(served, farm, source_model_id=deep, layers="all").json()

    assert (probes["code"], layers["code"]) == ("probe_set_too_large", "too_many_layers")


def test_networks_and_targets_that_cannot_serve_are_refused(served: Served, farm):
    with served.zoo.transaction() as session:
        late = a_model(session, state="checking").id
        plain = a_dataset(served.zoo, session, labels=None).id

    source = ask(served, farm, source_model_id=late)
    target = ask(served, farm, target={"dataset_id": plain})

    assert (source.status_code, source.json()["code"]) == (409, "model_not_ready")
    assert target.json()["code"] == "target_unlabeled"


def test_a_failed_selection_tells_why_and_may_be_asked_for_again(served: Served, farm):
    first = ask(served, farm).json()
    with served.zoo.transaction() as session:
        record = session.get_one(LayerSelectionRecord, first["id"])
        record.state, record.error = "failed", {"code": "target_degenerate", "detail": "flat"}

    told = served.client.get(f"{PATH}/{first['id']}").json()
    again = ask(served, farm)

    assert (told["state"], told["error"]["code"]) == ("failed", "target_degenerate")
    assert (again.status_code, again.json()["id"] != first["id"]) == (202, True)


def test_a_selection_of_another_project_is_not_there(served: Served, farm):
    path = f"{PATH}/{ask(served, farm).json()['id']}"

    answer = served.with_scopes("read", project="other").get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "layer_selection_not_found")


def test_asking_takes_the_scope_for_jobs(served: Served, farm):
    reader = served.with_scopes("read")

    assert reader.post(PATH, json={}).status_code == 403
