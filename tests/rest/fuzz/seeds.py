"""A zoo for generated requests: one of everything, and the names under which requests ask for it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from service.container import Zoo, zoo_from
from service.core.ids import IdKind, new_id
from service.core.operations.access import keys
from service.core.operations.families.recording import record_sketch
from service.core.operations.jobs import jobs
from service.core.operations.quotas import limits
from service.core.operations.quotas.limits import Quota
from service.core.tables import DatasetRecord, JobRecord, JobState
from service.embedded.postgres import PrivatePostgres
from service.settings import Settings
from tests.core.families.tensors import random_tensors, stored
from tests.rest.drawings import draw, draw_pictures
from tests.rest.served import (
    MANIFEST,
    PROJECT,
    a_dataset,
    a_graph,
    a_model,
    a_set_of_clips,
    an_affinity,
    client_of,
    masked,
    serving,
    some_responses,
)

LAYERS = [
    {"name": name, "kind": kind, "shape": [4, 8, 8]}
    for name, kind in (("conv", "convolution"), ("act", "activation"))
]
SKETCH = [1.0] + [0.0] * 1535
# What the heat map that exists was drawn with.
_DRAWN = {"method": None, "style": None, "layer": None, "label": None}
DATABASE = "fuzzed"
SPARE_PROJECT = "spare"  # its quotas change, those of the zoo's own project do not
AMPLE = 10**15
ALIAS = "prod"


@dataclass(frozen=True)
class SeededZoo:
    """A served zoo and a client with every scope."""

    zoo: Zoo
    url: str
    token: str
    client: httpx.Client

    def seed(self, label: str) -> dict[str, Any]:
        """Values by parameter or field for requests to an operation; each call makes new things."""
        models, dataset = self._measured()
        fox, hen = models
        ids: dict[str, Any] = {
            "model_id": fox,
            "model": fox,
            "other": hen,
            "relative_id": hen,
            "source_model_id": fox,
            "model_ids": models,
            "dataset_id": dataset,
            "dataset": dataset,
            "eval_dataset_id": dataset,
            "probe_set_id": dataset,
            "project": SPARE_PROJECT,
            "name": "depara",
            "reference": fox,
            "alias": ALIAS,
            "index": 0,
            "unit": 0,
            "q": "cat",
            "upload-offset": "0",
            "If-Match": "*",
            **_DRAWN,
            **self._named(),
        }
        if "/clips" in label:
            with self.zoo.transaction() as session:
                ids["dataset_id"] = a_set_of_clips(self.zoo, session).id
        if label == "DELETE /v1/datasets/{dataset_id}":
            ids["dataset_id"] = self._unused_dataset()
        if label.startswith(("POST", "PATCH /v1/models")):
            del ids["name"]  # it is a new name there, not that of a method
        ids["ranking_id"] = self._post("/v1/rankings", _ranking(fox, dataset))["id"]
        ids["selection_id"] = self._post("/v1/layer-selections", _selection(fox, hen, dataset))[
            "id"
        ]
        ids["search_id"] = self._search(dataset)
        ids["upload_id"] = self._post("/v1/uploads", {"size": 10**6})["id"]
        ids["accuracy_id"] = self._post("/v1/accuracies", _accuracy(fox, dataset))["items"][0][
            "id"
        ]
        first = {"name": "first", "scopes": ["read"], "project": SPARE_PROJECT}
        self._post("/v1/keys", first)
        ids["key_id"] = self._post("/v1/keys", {"name": "spare", "scopes": ["read"]})["id"]
        assert self.client.put(f"/v1/models/{fox}/aliases/{ALIAS}").is_success
        self._draw(fox, dataset)
        return {**ids, **self._map(models, dataset), "job_id": self._job(label, fox, dataset)}

    def _search(self, probes: str) -> str:
        """A concept search."""
        with self.zoo.transaction() as session:
            concept = a_dataset(self.zoo, session)
            model = a_model(session, name=new_id(IdKind.MODEL), output_kind="vector")
            some_responses(self.zoo, session, model, session.get_one(DatasetRecord, probes))
        body = {"dataset_id": concept.id, "probe_set_id": probes}
        search_id: str = self._post("/v1/concept-searches", body)["id"]
        return search_id

    def _measured(self) -> tuple[list[str], str]:
        """Two measured models and their probe set."""
        with self.zoo.transaction() as session:
            probes = masked(session, a_dataset(self.zoo, session))
            models = [
                a_model(
                    session,
                    name=name,
                    layers=LAYERS,
                    output_kind="vector",
                    manifest={**MANIFEST, "name": name, "format": "safetensors"},
                    upload_sha256=probes.packed_sha256,
                )
                for name in ("fox", "hen")
            ]
            fox, hen = (a_graph(session, model, probes, sketch=SKETCH) for model in models)
            an_affinity(session, fox, hen, node=1, edge=1)
            for model, weights in zip(models, _relatives(), strict=True):
                some_responses(self.zoo, session, model, probes)
                record_sketch(session, model, weights=weights, others=5)
            return sorted(model.id for model in models), probes.id

    def _named(self) -> dict[str, str]:
        """The names of a model and a dataset, which nothing else has."""
        name = new_id(IdKind.MODEL)
        with self.zoo.transaction() as session:
            a_model(session, name=name)
            a_dataset(self.zoo, session, name=name)
        return {"model_name": name, "dataset_name": name}

    def _unused_dataset(self) -> str:
        """A dataset that no job needs."""
        with self.zoo.transaction() as session:
            return a_dataset(self.zoo, session).id

    def _draw(self, model: str, dataset: str) -> None:
        """The heat map of a model on the first image of a dataset."""
        asked = {"dataset_id": dataset, "indices": [0]}
        draw_pictures(self.zoo, self._post(f"/v1/models/{model}/attributions", asked)["id"])

    def _map(self, models: list[str], dataset: str) -> dict[str, str]:
        """A drawn map and one of its files."""
        job = self._post("/v1/maps", {"dataset_id": dataset})["id"]
        map_id = new_id(IdKind.MAP)
        draw(self.zoo, (dataset, models), job, map_id=map_id)
        files = self.client.get(f"/v1/jobs/{job}/artifacts").json()["items"]
        return {"map_id": map_id, "artifact_id": files[0]["id"]}

    def _job(self, label: str, model: str, dataset: str) -> str:
        """A job in the state that the operation is for."""
        inputs = {"model_id": model, "dataset_id": dataset}
        body = {"method": "depara", "inputs": inputs, "params": {"seed": 1}}
        job_id: str = self._post("/v1/jobs", body)["id"]
        if label.endswith(":cancel"):
            return job_id
        state = JobState.FAILED if label.endswith(":retry") else JobState.SUCCEEDED
        with self.zoo.transaction() as session:
            jobs.end(session, session.get_one(JobRecord, job_id), state)
        return job_id

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.is_success, (path, answer.text)
        return answer.json()


def _relatives() -> list[list[dict[str, Any]]]:
    """The weights of a network, and the same in half precision."""
    weights = random_tensors(0)
    return [stored(weights), stored([tensor.half().float() for tensor in weights])]


def _ranking(model: str, dataset: str) -> dict[str, Any]:
    return {"target": {"model_id": model}, "probe_set_id": dataset, "metric": "depara"}


def _selection(source: str, target: str, dataset: str) -> dict[str, Any]:
    return {
        "source_model_id": source,
        "target": {"model_id": target},
        "probe_set_id": dataset,
    }


def _accuracy(model: str, dataset: str) -> dict[str, Any]:
    record = {"model": model, "dataset": dataset, "value": 0.5, "protocol": "linear_probe"}
    return {"accuracies": [{**record, "metric": "accuracy", "source": "a test"}]}


@contextmanager
def seeded_zoo(postgres: PrivatePostgres, home: Path) -> Iterator[SeededZoo]:
    """A served zoo without limits, on a database of its own that is dropped in the end."""
    postgres.create_database(DATABASE, template="template")
    zoo = zoo_from(
        Settings(
            home=home,
            database_url=postgres.url(DATABASE),  # type: ignore[arg-type]
            rate_limit="1000000/minute",
        )
    )
    with zoo.transaction() as session:
        key = keys.issue(session, project=PROJECT, name="fuzz", scopes=["admin", "operator"])
        limits.change(session, project=PROJECT, limits=dict.fromkeys(Quota, AMPLE), reset=())
    with serving(zoo) as url, client_of(url, key.token) as client:
        yield SeededZoo(zoo, url, key.token, client)
    zoo.close()
    postgres.drop_database(DATABASE)
