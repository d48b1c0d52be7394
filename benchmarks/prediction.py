"""What asking a network over REST costs above the bare forward of the same network.

ResNet-18 (random weights) at 224 × 224; the asked image is a JPEG of 320 × 240. In one run, with
the repeats interleaved: the eager module's forward of one image that is ready in memory, the same
from the JPEG (decode, crop, resize, normalize, forward), and one question over a real socket to a
zoo with one torch thread. Then eight askers at once, whose questions are answered in shared passes,
beside the bare forward of batches of eight.

    python -m benchmarks.prediction [--json FILE] [--questions 200]
"""

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from benchmarks.real_run import environment
from benchmarks.service import private_settings
from service.core.manifest import InputSpec, ModelFormat, ModelManifest, Task, TaskKind
from service.embedded.home import Home
from workers.methods.dataset_ingestion.images import canonical_frame
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from zooscope import ZooClient
from zooscope.cli.daemonize import running_or_started
from zooscope.packing import pack

ROOT = Path(__file__).parents[1]
SIDE, ASKERS = 224, 8
SPEC = InputSpec(height=SIDE, width=SIDE, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
Work = Callable[[], object]


def main() -> None:
    """Measure, print the table, and write the JSON when asked."""
    options = _arguments()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="prediction-cost-") as folder:
        figures = measured(Path(folder), options.questions)
    print(f"{figures['surroundings']['machine']}; commit {figures['surroundings']['commit']}")
    for name, latency in figures["milliseconds"].items():
        print(f"| {name} | {latency['p50']:.1f} | {latency['p99']:.1f} |")
    print(f"REST over bare forward, p50: {figures['over_bare']:.3f}")
    print(f"REST over the same work from the file, p50: {figures['over_bare_from_file']:.3f}")
    print(
        f"{ASKERS} clients: {figures['together_per_second']:.1f} images/s,"
        f" bare batches of {ASKERS}: {figures['bare_batches_per_second']:.1f} images/s"
    )
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def measured(folder: Path, questions: int) -> dict[str, Any]:
    """All figures, as plain data."""
    host = environment.describe(ROOT)
    network, file = _network(), _jpeg()
    settings = private_settings(home=folder / "home", database=None)
    running = running_or_started(settings)
    try:
        key = Home(settings.folder).admin_key.read_text().strip()
        with ZooClient(running.rest_url, key=key) as zoo:
            model = _sent(zoo, network, folder)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "image/jpeg"}
        with httpx.Client(base_url=running.rest_url, headers=headers, timeout=60) as client:
            milliseconds = _compared(network, file, lambda: _asked(client, model, file), questions)
            together = _together(lambda: _asked(client, model, file), questions)
    finally:
        environment.ended(running.pid)
    bare, rest = milliseconds["bare forward"]["p50"], milliseconds["request over REST"]["p50"]
    return {
        "surroundings": host,
        "questions": questions,
        "milliseconds": milliseconds,
        "over_bare": rest / bare,
        "over_bare_from_file": rest / milliseconds["bare, from the file"]["p50"],
        "together_per_second": together,
        "bare_batches_per_second": _bare_batches(network, file, questions),
    }


def _compared(
    network: nn.Module, file: bytes, ask: Work, questions: int
) -> dict[str, dict[str, float]]:
    """Milliseconds of each contestant, one after the other, round by round."""
    ready = _input(file)
    contestants: dict[str, Work] = {
        "bare forward": lambda: _forward(network, ready),
        "bare, from the file": lambda: _forward(network, _input(file)),
        "request over REST": ask,
    }
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for work in contestants.values():
        for _ in range(5):
            work()
    for _ in range(questions):
        for name, work in contestants.items():
            began = time.perf_counter()
            work()
            times[name].append(1000 * (time.perf_counter() - began))
    return {name: _percentiles(taken) for name, taken in times.items()}


def _percentiles(taken: list[float]) -> dict[str, float]:
    return {"p50": statistics.median(taken), "p99": float(np.quantile(taken, 0.99))}


def _together(ask: Work, questions: int) -> float:
    """Images per second when several ask at once."""
    with ThreadPoolExecutor(ASKERS) as pool:
        began = time.perf_counter()
        list(pool.map(lambda _: ask(), range(questions)))
        return questions / (time.perf_counter() - began)


def _bare_batches(network: nn.Module, file: bytes, questions: int) -> float:
    """Images per second of bare forwards of batches that are ready in memory."""
    batch = _input(file).expand(ASKERS, -1, -1, -1).contiguous()
    rounds = max(1, questions // ASKERS)
    _forward(network, batch)
    began = time.perf_counter()
    for _ in range(rounds):
        _forward(network, batch)
    return rounds * ASKERS / (time.perf_counter() - began)


def _forward(network: nn.Module, images: Tensor) -> Tensor:
    with torch.inference_mode():
        answer: Tensor = network(images)
    return answer


def _asked(client: httpx.Client, model: str, file: bytes) -> None:
    client.post(f"/v1/models/{model}:predict", content=file).raise_for_status()


def _input(file: bytes) -> Tensor:
    frame = torch.from_numpy(canonical_frame(file, SIDE).copy())
    return to_network_input(frame[None], Preprocessing.of(SPEC))


def _network() -> nn.Module:
    import timm

    torch.manual_seed(0)
    network: nn.Module = timm.create_model("resnet18", pretrained=False).eval()
    return network


def _jpeg() -> bytes:
    """A smooth picture, for noise takes a decoder longer than any photo does."""
    rows, columns = np.mgrid[0:240, 0:320]
    planes = [127 + 120 * np.sin(rows / 17 + k) * np.cos(columns / (23 + k)) for k in range(3)]
    buffer = io.BytesIO()
    Image.fromarray(np.stack(planes, -1).astype(np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def _sent(zoo: ZooClient, network: nn.Module, folder: Path) -> str:
    """Pack and upload; the id once the zoo has checked it."""
    manifest = ModelManifest(
        name="resnet18",
        format=ModelFormat.PT2,
        task=Task(kind=TaskKind.CLASSIFICATION),
        input=SPEC,
    )
    packed = pack(network, manifest, folder / "resnet18.pt2")
    model = zoo.models.push(packed.file, json.loads(packed.manifest_file.read_text()))
    return str(zoo.models.wait(model["id"])["id"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="prediction", description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--questions", type=int, default=200)
    return parser.parse_args()


if __name__ == "__main__":
    main()
