"""The acceptance run: every published network at hand, in a zoo of its own, through its public API.

Rebuilds the networks from their descriptions and checks them, packs and uploads them over HTTP,
uploads real images as probes, ranks for a network and for two labeled sets of images, draws the
map, fetches heat maps, counts what stands together, and writes docs/results/real_zoo.md.

    python -m benchmarks.real_zoo [--data ../shared/data/real] [--url URL --key KEY] [--images 1000]

Without the data folder it says so and ends well. Without --url it starts a zoo in a temporary
folder, on free ports, and stops it afterwards.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.real_networks import NETWORKS, image_sets
from benchmarks.real_networks.checks import measured
from benchmarks.real_run import environment, heat_maps, page, probes, uploads
from benchmarks.real_run.heat_maps import Explained, OnObjects
from benchmarks.real_run.stages import Stages, say
from service.core.operations.rankings.schemas import DEFAULT_EDGE_WEIGHT
from service.settings import Settings
from zooscope import ZooClient
from zooscope.cli.address import address_of
from zooscope.cli.daemonize import running_or_started
from zooscope.client.rankings import Metric
from zooscope.client.results import Job, Model, Ranking

ROOT = Path(__file__).parents[1]
SEED = 20190901
CLOTHES = 2000
TARGET_MODEL = "resnet20-cifar10"
PICTURES = ("matrix", "tree", "layout")
METRICS: tuple[Metric, ...] = ("depara", "attribution")
OWN, OWN_PROBES = "Fashion-MNIST, through its own images", 120
OWN_MANIFEST = {"name": "own probes", "layout": "flat"}
PATIENCE_SECONDS = 600
Facts = dict[str, Any]


def main() -> None:
    """Run, or say why not."""
    options = _arguments()
    if options.page_only:
        _write_page(options.out)
        return
    if not (options.data / "weights").is_dir():
        say(f"skipped: there are no real networks in {options.data}")
        return
    with tempfile.TemporaryDirectory(prefix="real-zoo-") as folder, _zoo(options, folder) as zoo:
        facts = run(zoo, options.data, Path(folder), options.out, images=options.images)
    (options.out / "real_zoo.json").write_text(
        json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    )
    _write_page(options.out)


def _write_page(out: Path) -> None:
    """The page from the facts beside it; remarks written by hand stay."""
    facts = json.loads((out / "real_zoo.json").read_text())
    path = out / "real_zoo.md"
    before = path.read_text() if path.exists() else ""
    path.write_text(page.written(facts, before=before))
    say(f"written: {path}")


def run(zoo: ZooClient, data: Path, folder: Path, out: Path, *, images: int) -> Facts:
    """Every stage, and all results, as plain data."""
    stages = Stages()
    with stages.timed("rebuild and check the networks"):
        figures = _figures(data, limit=images)
    with stages.timed("pack"):
        files = uploads.packed(data, folder / "packed")
    with stages.timed("upload and validate the networks"):
        models = uploads.uploaded(zoo, files)
    with stages.timed("upload and ingest the images"):
        shown = probes.write_probes(data, folder / "probes", seed=SEED)
        sets = _image_sets(zoo, data, folder)
    rankings = {}
    with stages.timed(f"rank for {TARGET_MODEL}: measures every network"):
        target = models[TARGET_MODEL]["id"]
        rankings[TARGET_MODEL] = _both(zoo, sets["probes"], model=target)
    with stages.timed("draw the map"):
        maps = {metric: _map(zoo, sets["probes"], metric) for metric in METRICS}
        _save_pictures(zoo, maps["depara"], out)
    with stages.timed("heat maps: two attributions on 30 scenes, 24 digits and the sheet"):
        on_objects = _explain(
            zoo, models, sets["probes"], shown, data=data, folder=folder, out=out
        )
    candidates = [model["id"] for model in models.values()]
    for name in ("Fashion-MNIST", "flowers"):
        with stages.timed(f"rank for {name}: trains and measures a reference network"):
            rankings[name] = _both(zoo, sets["probes"], dataset=sets[name], candidates=candidates)
    with stages.timed(f"rank for Fashion-MNIST through {OWN_PROBES} images of its own"):
        own = uploads.images_uploaded(
            zoo, probes.write_own(data, folder / "own", OWN_PROBES), OWN_MANIFEST
        )["id"]
        rankings[OWN] = _both(zoo, own, dataset=sets["Fashion-MNIST"], candidates=candidates)
    return {
        "surroundings": environment.describe(ROOT),
        "seed": SEED,
        "edge_weight": DEFAULT_EDGE_WEIGHT,
        "probes": shown.counts,
        "networks": _networks(files, models, figures),
        "seconds": stages.seconds,
        "rankings": rankings,
        "references": _references(zoo),
        "measuring": _measuring_seconds(zoo, models, sets["probes"]),
        "maps": {metric: _table(document) for metric, document in maps.items()},
        "on_objects": {name: asdict(ratios) for name, ratios in on_objects.items()},
    }


def _figures(data: Path, *, limit: int) -> Facts:
    """What every network reaches on labeled images, by name."""
    figures = {network.name: measured(network, data, limit=limit) for network in NETWORKS}
    return {name: asdict(figure) for name, figure in figures.items() if figure is not None}


def _image_sets(zoo: ZooClient, data: Path, folder: Path) -> dict[str, str]:
    """Ids of the probe set and of the two labeled sets."""
    clothes = image_sets.gray_digits(data, "fashion_mnist", "train").first(CLOTHES)
    labeled = {"Fashion-MNIST": clothes, "flowers": image_sets.flowers(data)}
    ids = {
        name: uploads.images_uploaded(
            zoo, probes.write_labeled(images, folder / name), {"name": name, "layout": "folders"}
        )["id"]
        for name, images in labeled.items()
    }
    manifest = {"name": "probes", "layout": "flat"}
    ids["probes"] = uploads.images_uploaded(zoo, folder / "probes", manifest)["id"]
    return ids


def _both(zoo: ZooClient, probe_set: str, **target: Any) -> dict[str, Ranking]:
    """The ranking by DEPARA, and by attribution maps alone."""
    return {metric: zoo.rank(probes=probe_set, metric=metric, **target) for metric in METRICS}


def _map(zoo: ZooClient, probe_set: str, metric: Metric) -> Facts:
    """The map's document, once it is drawn."""
    end = time.monotonic() + PATIENCE_SECONDS
    while "document" not in (answer := zoo.maps.show(probe_set, metric=metric, include=["score"])):
        if time.monotonic() > end:
            raise TimeoutError(f"no map after {PATIENCE_SECONDS} s")
        time.sleep(0.5)
    document: Facts = answer["document"]
    return document


def _save_pictures(zoo: ZooClient, document: Facts, out: Path) -> None:
    """Matrix, tree and layout as PNG with few colors."""
    for picture in PICTURES:
        path = out / f"real_zoo_{picture}.png"
        zoo.jobs.download(document["artifacts"][f"{picture}.png"], path)
        with Image.open(path) as drawn:
            drawn.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def _explain(
    zoo: ZooClient,
    models: dict[str, Model],
    probe_set: str,
    shown: probes.Probes,
    *,
    data: Path,
    folder: Path,
    out: Path,
) -> dict[str, OnObjects]:
    """Density ratios of every network, and the sheets of heat maps on disk."""
    rows: dict[str, Explained] = {}
    ratios: dict[str, OnObjects] = {}
    jobs = {name: heat_maps.asked(zoo, model, probe_set, shown) for name, model in models.items()}
    for name, asked in jobs.items():
        ratios[name], rows[name] = heat_maps.measured_on_objects(
            zoo, asked, shown, data=data, folder=folder
        )
    names = list(rows)
    half = (len(names) + 1) // 2
    for number, part in enumerate((names[:half], names[half:]), start=1):
        picture = heat_maps.sheet({name: rows[name] for name in part}, shown)
        picture.save(out / f"real_zoo_heat_maps_{number}.png", optimize=True)
    return ratios


def _networks(
    files: list[uploads.PackedNetwork], models: dict[str, Model], figures: Facts
) -> list[Facts]:
    """One row per network; ``state`` marks those that the zoo rejected."""
    return [
        {
            "name": packed.network.name,
            "parameters": packed.parameters,
            "input": packed.network.input.model_dump(mode="json"),
            "task": str(packed.network.task),
            "group": packed.network.group,
            "family": packed.network.family,
            "trained_on": packed.network.trained_on,
            "claimed": packed.network.claimed,
            "measured": figures.get(packed.network.name),
            "form": str(packed.network.manifest().format),
            "state": "ready" if packed.network.name in models else "rejected",
            "feature_layer": _feature_layer(models.get(packed.network.name)),
        }
        for packed in files
    ]


def _references(zoo: ZooClient) -> list[Facts]:
    """What the networks that stand for the labeled sets learned, on images held out."""
    trained = [model for model in zoo.models.ls() if model.get("lineage")]
    return [
        {"name": model["name"], **(model["lineage"] or {}).get("measured", {})}
        for model in trained
    ]


def _feature_layer(model: Model | None) -> str | None:
    return None if model is None else model["feature_layer"]


def _measuring_seconds(
    zoo: ZooClient, models: dict[str, Model], probe_set: str
) -> dict[str, float]:
    """Wall-clock seconds of the measuring job of each network; two jobs share the machine."""
    names = {model["id"]: name for name, model in models.items()}
    jobs = [
        job
        for job in zoo.jobs.ls(method="depara")
        if job["inputs"]["model_id"] in names and job["inputs"]["dataset_id"] == probe_set
    ]
    return {names[job["inputs"]["model_id"]]: _seconds(job) for job in jobs}


def _seconds(job: Job) -> float:
    began, ended = job["started_at"], job["finished_at"]
    assert began is not None
    assert ended is not None
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


def _table(document: Facts) -> Facts:
    """Names and scores of a map."""
    return {
        "names": document["names"],
        "scores": document["matrices"]["score"],
        "left_out": document["left_out"],
    }


@contextmanager
def _zoo(options: argparse.Namespace, folder: str) -> Iterator[ZooClient]:
    """The zoo that was named, or one of its own for as long as the block lasts."""
    if options.url is not None:
        with ZooClient(options.url, key=options.key, timeout_seconds=600) as zoo:
            yield zoo
        return
    settings = Settings().model_copy(
        update={"home": Path(folder) / "home", "port": 0, "grpc_port": 0}
    )
    running = running_or_started(settings)
    address = address_of(url=running.rest_url, key=None, home=settings.folder)
    try:
        with address.client(timeout_seconds=600) as zoo:
            yield zoo
    finally:
        environment.ended(running.pid)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="real_zoo", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/real")
    parser.add_argument("--url", help="a running zoo; default: a private one")
    parser.add_argument("--key", help="its key, with the scopes read, write and jobs")
    parser.add_argument("--images", type=int, default=1000, help="most images per check")
    parser.add_argument(
        "--page-only", action="store_true", help="write the page anew from real_zoo.json"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
