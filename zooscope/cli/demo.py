"""``zooscope demo``: a small real zoo, ranked for a target and checked against the truth."""

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import typer

from service.core.errors import ZooError
from service.embedded.home import Home, Running
from service.settings import Settings
from zooscope import ZooClient, ZooClientError
from zooscope.cli import demo_report, demo_student, layers
from zooscope.cli.address import address_of
from zooscope.cli.context import Talk
from zooscope.cli.daemonize import running_or_started
from zooscope.cli.demo_zoo import BuiltZoo, UploadedZoo, built, uploaded
from zooscope.cli.output import TextOutput, steps_bar
from zooscope.cli.up import GrpcPortOption, HomeOption, PortOption, fail, settings_with
from zooscope.client.maps import Picture
from zooscope.client.results import Ranking

SHEET_IMAGES = 6
EDGE_WEIGHT = 0.25
METRICS = ("depara", "attribution", "depara_plus", "fused")
STUDENTS_METRIC = "depara_plus"
MAP_PICTURES: tuple[Picture, ...] = ("matrix", "tree", "layout")


def demo(
    home: HomeOption = None, port: PortOption = None, grpc_port: GrpcPortOption = None
) -> None:
    """Train, upload and rank a small zoo; the service stays running afterwards."""
    settings = settings_with(home=home, port=port, grpc_port=grpc_port)
    began = time.monotonic()
    try:
        running = running_or_started(settings)
        _say(f"the zoo runs at {running.rest_url} (process {running.pid})")
        _show(settings, running)
    except ZooError as error:
        fail(error)
    except ZooClientError as error:
        TextOutput().refused(error)
        raise typer.Exit(1) from error
    _say(f"\ndone in {time.monotonic() - began:.0f} s. {_goodbye(settings, running)}")


def _show(settings: Settings, running: Running) -> None:
    """Everything that happens once the service runs."""
    home = Home(settings.folder)
    zoo_files = built(home.folder / "demo")
    with address_of(url=running.rest_url, key=None, home=home.folder).client() as zoo:
        there = uploaded(zoo, zoo_files)
        rankings = {metric: _ranked(zoo, there, metric) for metric in METRICS}
        _tell(zoo_files, rankings)
        _choose_layer(zoo, there, rankings["depara"])
        _draw(zoo, there, rankings["depara"], home.folder / "demo")
        _teach(zoo, there, home.folder / "demo")


def _ranked(zoo: ZooClient, there: UploadedZoo, metric: str) -> Ranking:
    """The demo's networks ordered for the labelled target."""
    with steps_bar(f"ranking by {metric}") as on_progress:
        return zoo.rank(
            probes=there.probes,
            dataset=there.target,
            candidates=list(there.models.values()),
            metric=metric,  # type: ignore[arg-type]
            edge_weight=EDGE_WEIGHT if metric == "depara" else None,
            on_progress=on_progress,
        )


def _tell(zoo_files: BuiltZoo, rankings: Mapping[str, Ranking]) -> None:
    """The table, those without a place, and how well each metric agrees with the truth."""
    depara, attribution = rankings["depara"], rankings["attribution"]
    _say("\nWhich network to start from for the digits 5 to 9, with three labels each?\n")
    _say(demo_report.table(demo_report.rows(depara, attribution, zoo_files.truth)))
    for model in depara["unranked"]:
        _say(f"not ranked: {model['model_id']}: {model['detail']} ({model['code']})")
    _say("")
    for ranking in rankings.values():
        found = demo_report.agreement(ranking, zoo_files.truth)
        _say(
            f"Spearman of {found.metric} with the true accuracy of {found.models} networks:"
            f" {found.spearman:+.2f}"
        )
    _say(demo_report.likely_best(rankings["fused"]))


def _choose_layer(zoo: ZooClient, there: UploadedZoo, ranking: Ranking) -> None:
    """Where to cut the best network, told as ``zooscope layers`` tells it."""
    best = ranking["items"][0]
    with steps_bar("comparing layers") as on_progress:
        selection = zoo.layers.select(
            best["model_id"],
            dataset=there.target,
            probes=there.probes,
            data="scarce",
            on_progress=on_progress,
        )
    _say(f"\nWhere to cut {best['name']}, with so few labels?\n")
    layers.tell(Talk(zoo, TextOutput()), selection)


def _draw(zoo: ZooClient, there: UploadedZoo, ranking: Ranking, folder: Path) -> None:
    """Write the sheet of heat maps, best network first, and the map of the zoo."""
    best_first = [item["model_id"] for item in ranking["items"]]
    job = zoo.attributions.create(best_first, dataset_id=there.probes, indices=range(SHEET_IMAGES))
    sheet = zoo.attributions.download(job, folder / "heat-maps.png")
    _say(f"\nheat maps:   {sheet}")
    for picture in MAP_PICTURES:
        path = folder / f"map-{picture}.svg"
        zoo.maps.download(there.probes, path, picture=picture, metric="depara")
        _say(f"{'map, ' + picture + ':':<12} {path}")


def _teach(zoo: ZooClient, there: UploadedZoo, folder: Path) -> None:
    """Make a small network out of two of the zoo, rank it with the others, draw its lineage."""
    _say("\nA small network that learns from two of these, on digits without labels:\n")
    student = demo_student.student_of(Talk(zoo, TextOutput()), there)
    _say(f"\n{demo_report.kept(student)}")
    candidates = {**there.models, student["name"]: student["id"]}
    ranking = _ranked(zoo, replace(there, models=candidates), STUDENTS_METRIC)
    _say(demo_report.place_of(student["id"], ranking))
    path = zoo.models.draw_lineage(student["id"], folder / "lineage.svg")
    _say(f"lineage:     {path}")


def _goodbye(settings: Settings, running: Running) -> str:
    return (
        f"The zoo stays at {running.rest_url} (its API is described at {running.rest_url}/docs);"
        f"\nthe admin key is in {Home(settings.folder).admin_key};"
        f" stop it with `zooscope down --home {settings.folder}`"
    )


def _say(line: str) -> None:
    typer.echo(line)
    sys.stdout.flush()
