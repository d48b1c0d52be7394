"""Every way to ask a few-shot learner: REST, gRPC, client and command."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.protobuf.json_format import MessageToDict

from service.container import Zoo
from service.core.ids import IdKind, new_id
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from tests.predictions.test_predictions import a_picture
from tests.rpc.channels import Dialled, refusal
from tests.waiting import HANG_SECONDS
from tests.zooscope.cli.shells import Shell
from zooscope import FewShotSupport, ZooClient, ZooClientError

Example = tuple[bytes, str]
RED, DARK_RED, BLUE, GREEN = (a_picture(color) for color in ("red", "#cc0000", "blue", "#00ff00"))


@dataclass(frozen=True)
class EveryApi:
    """Every way to ask a served zoo."""

    zoo: Zoo
    rest: httpx.Client
    client: ZooClient
    shell: Shell
    stubs: Dialled
    folder: Path

    def refusals(
        self,
        model: str,
        support: list[Example],
        options: dict[str, Any],
        *,
        queries: list[bytes] | None = None,
    ) -> dict[str, tuple[str, str | None]]:
        """Code and pointer of the refusal over each API."""
        queries = queries or [DARK_RED]
        problem = ask(self.rest, model, queries, support, **options).json()
        request = grpc_request(model, support, options, queries=queries)
        over_grpc = refusal(self.stubs.models.Predict, request)
        folder, paths = self._files(support, queries)
        with pytest.raises(ZooClientError) as caught:
            self.client.models.predict(model, paths, support=support_in(folder, options))
        words = ["predict", model, *(str(path) for path in paths)]
        words += ["--support", str(folder)] if support else []
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        printed = self.shell.error(*words)
        return {
            "rest": (problem["code"], _first_pointer(problem)),
            "grpc": (over_grpc.code, next(iter(over_grpc.fields), None)),
            "client": (
                caught.value.code,
                next((error.pointer for error in caught.value.errors), None),
            ),
            "cli": (printed["code"], _first_pointer(printed)),
        }

    def answers(
        self, model: str, queries: list[bytes], support: list[Example]
    ) -> dict[str, dict[str, Any]]:
        """Items, classes of the support and notes over each API, numbers to six digits."""
        body = ask(self.rest, model, queries, support).json()
        request = grpc_request(model, support, {}, queries=queries)
        message = self.stubs.models.Predict(request, timeout=HANG_SECONDS).classes
        folder, paths = self._files(support, queries)
        result = self.client.models.predict(model, paths, support=support_in(folder, {}))
        words = ["predict", model, *(str(path) for path in paths), "--support", str(folder)]
        printed = self.shell.json(*words)
        return {
            "rest": _answer(body["items"], body["support"]),
            "grpc": _answer(*_of_message(message)),
            "client": _answer(result.classes, result.support),
            "cli": _answer(printed["items"], printed["support"]),
        }

    def _files(self, support: list[Example], queries: list[bytes]) -> tuple[Path, list[Path]]:
        """The support as folders, and the queries as files beside them."""
        folder, first = files_in(self.folder / new_id(IdKind.UPLOAD), support)
        paths = [first.with_name(f"query-{index:02}.png") for index in range(len(queries))]
        for path, data in zip(paths, queries, strict=True):
            path.write_bytes(data)
        return folder, paths


def _first_pointer(problem: Mapping[str, Any]) -> str | None:
    return next((error["pointer"] for error in problem.get("errors") or ()), None)


def _answer(items: Any, support: Any) -> dict[str, Any]:
    """What an API says, without the form it says it in."""
    return {
        "items": [
            {
                "outside": item["outside"],
                "classes": [
                    {
                        "name": likely["name"],
                        "probability": round(likely["probability"], 6),
                        "distance": round(likely["distance"], 6),
                    }
                    for likely in item["classes"]
                ],
            }
            for item in items
        ],
        "classes": [
            {**about, "spread": None if about["spread"] is None else round(about["spread"], 6)}
            for about in support["classes"]
        ],
        "notes": list(support["notes"]),
    }


def _of_message(message: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Items and support of a message as the other APIs write them."""
    written = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    support = written["support"]
    classes = [{"spread": None, **about} for about in support["classes"]]
    return written["items"], {"classes": classes, "notes": support["notes"]}


def ask(
    client: httpx.Client,
    model: str,
    queries: list[bytes],
    support: list[Example],
    **query: Any,
) -> httpx.Response:
    """A prediction over REST."""
    files = [("images", (f"{i}.png", data)) for i, data in enumerate(queries)]
    files += [("support", (f"s{i}.png", data)) for i, (data, _) in enumerate(support)]
    labels = {"support_labels": [label for _, label in support]}
    return client.post(f"/v1/models/{model}:predict", params=query, files=files, data=labels)


def files_in(folder: Path, support: list[Example]) -> tuple[Path, Path]:
    """A folder with one folder for each class, and a query beside it."""
    parent = folder / "support"
    for index, (data, label) in enumerate(support):
        (parent / label).mkdir(parents=True, exist_ok=True)
        (parent / label / f"{index:03}.png").write_bytes(data)
    folder.mkdir(exist_ok=True)
    query = folder / "query.png"
    query.write_bytes(DARK_RED)
    return parent, query


def support_in(folder: Path, options: dict[str, Any]) -> FewShotSupport:
    """The support that the client reads from a folder."""
    files = (
        {path.name: sorted(path.iterdir()) for path in sorted(folder.iterdir())}
        if folder.exists()
        else {}
    )
    return FewShotSupport(files=files, dataset_id=options.get("support_dataset"))


def grpc_request(
    model: str,
    support: list[Example],
    options: dict[str, Any],
    *,
    queries: list[bytes] | None = None,
) -> wire.PredictRequest:
    """The same request for gRPC."""
    examples = [wire.SupportImage(image=data, label=label) for data, label in support]
    images = [DARK_RED] if queries is None else queries
    return wire.PredictRequest(id=model, images=images, support=examples, **options)
