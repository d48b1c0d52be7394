"""Every way to ask a few-shot learner: REST, gRPC, client and command."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.container import Zoo
from service.core.ids import IdKind, new_id
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from tests.predictions.test_predictions import a_picture
from tests.rpc.channels import Dialled, refusal
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
        self, model: str, support: list[Example], options: dict[str, Any]
    ) -> dict[str, tuple[str, str]]:
        """Code and pointer of the refusal over each API."""
        problem = ask(self.rest, model, [RED], support, **options).json()
        over_grpc = refusal(self.stubs.models.Predict, grpc_request(model, support, options))
        folder, query = files_in(self.folder / new_id(IdKind.UPLOAD), support)
        with pytest.raises(ZooClientError) as caught:
            self.client.models.predict(model, [query], support=support_in(folder, options))
        words = ["predict", model, str(query)]
        words += ["--support", str(folder)] if support else []
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        printed = self.shell.error(*words)
        return {
            "rest": (problem["code"], problem["errors"][0]["pointer"]),
            "grpc": (over_grpc.code, over_grpc.fields[0]),
            "client": (caught.value.code, caught.value.errors[0].pointer),
            "cli": (printed["code"], printed["errors"][0]["pointer"]),
        }


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
    model: str, support: list[Example], options: dict[str, Any]
) -> wire.PredictRequest:
    """The same request for gRPC."""
    examples = [wire.SupportImage(image=data, label=label) for data, label in support]
    return wire.PredictRequest(id=model, images=[DARK_RED], support=examples, **options)
