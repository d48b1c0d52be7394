"""``zooscope demo``: a small real zoo, ranked for a target and compared with the ground truth."""

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
from zooscope.cli.context import CliContext
from zooscope.cli.daemonize import running_or_started
from zooscope.cli.demo_zoo import BuiltZoo, UploadedZoo, built, uploaded
from zooscope.cli.output import TextOutput, steps_bar
from zooscope.cli.up import GrpcPortOption, HomeOption, PortOption, fail, settings_with
from zooscope.client.maps import Picture
from zooscope.client.results import Ranking

SHEET_IMAGES = 6
EDGE_WEIGHT = 0.25
METRICS = ("auto", "depara", "attribution", "depara_plus", "fused")
STUDENTS_METRIC = "depara_plus"
MAP_PICTURES: tuple[Picture, ...] = ("matrix", "tree", "layout")


def demo(
    home: HomeOption = None, port: PortOption = None, grpc_port: GrpcPortOption = None
) -> None:
    """Train, upload and rank a small zoo; the zoo keeps running afterwards."""
    settings = settings_with(home=home, port=port, grpc_port=grpc_port)
    began = time.monotonic()
    try:
        running = running_or_started(settings)
        _print_line(f"the zoo runs at {running.rest_url} (process {running.pid})")
        _show(settings, running)
    except ZooError as error:
        fail(error)
    except ZooClientError as error:
        TextOutput().error(error)
        raise typer.Exit(1) from error
    _print_line(f"\ndone in {time.monotonic() - began:.0f} s. {_goodbye(settings, running)}")
    _print_line(f"open the page:  {_sign_in_url(settings, running)}   (signs in once)")


def _show(settings: Settings, running: Running) -> None:
    """Run the demo against the running zoo."""
    home = Home(settings.folder)
    zoo_files = built(home.folder / "demo")
    with address_of(url=running.rest_url, key=None, home=home.folder).client() as zoo:
        ids = uploaded(zoo, zoo_files)
        rankings = {metric: _ranked(zoo, ids, metric) for metric in METRICS}
        _print_rankings(zoo_files, rankings)
        _choose_layer(zoo, ids, rankings["auto"])
        _draw(zoo, ids, rankings["auto"], home.folder / "demo")
        _train_student(zoo, ids, home.folder / "demo")


def _ranked(zoo: ZooClient, ids: UploadedZoo, metric: str) -> Ranking:
    """The demo's networks ranked for the labeled target."""
    with steps_bar(f"ranking by {metric}") as on_progress:
        return zoo.rank(
            probes=ids.probes,
            dataset=ids.target,
            candidates=list(ids.models.values()),
            metric=metric,  # type: ignore[arg-type]
            edge_weight=EDGE_WEIGHT if metric == "depara" else None,
            on_progress=on_progress,
        ).data


def _print_rankings(zoo_files: BuiltZoo, rankings: Mapping[str, Ranking]) -> None:
    """Print the table, the unranked networks, and how well each metric agrees with the truth."""
    depara, attribution = rankings["depara"], rankings["attribution"]
    _print_line(
        "\nWhich network should you start from for the digits 5 to 9, with three labels each?\n"
    )
    for line in demo_report.answer(rankings["auto"]):
        _print_line(line)
    _print_line("\nBy likeness to a network that learned these labels, next to the truth:\n")
    _print_line(demo_report.table(demo_report.rows(depara, attribution, zoo_files.truth)))
    for model in depara["unranked"]:
        _print_line(f"not ranked: {model['model_id']}: {model['detail']} ({model['code']})")
    _print_line(
        "\nWhere intervals overlap, these probes cannot tell two networks apart. How well does each metric agree"
        "\nwith the truth, and what do labels and history add (fused)?\n"
    )
    for ranking in rankings.values():
        agreement = demo_report.agreement(ranking, zoo_files.truth)
        _print_line(
            f"Spearman correlation of {agreement.metric} with the true accuracy of {agreement.models} networks:"
            f" {agreement.spearman:+.2f}"
        )
    _print_line(demo_report.likely_best(rankings["fused"]))


def _choose_layer(zoo: ZooClient, ids: UploadedZoo, ranking: Ranking) -> None:
    """Print where to cut the first network of a ranking, like ``zooscope layers``."""
    best = ranking["items"][0]
    with steps_bar("comparing layers") as on_progress:
        selection = zoo.layers.select(
            best["model_id"],
            dataset=ids.target,
            probes=ids.probes,
            data="scarce",
            on_progress=on_progress,
        )
    _print_line(f"\nWhere should you cut {best['name']} with so few labels?\n")
    layers.print_selection(CliContext(zoo, TextOutput()), selection)


def _draw(zoo: ZooClient, ids: UploadedZoo, ranking: Ranking, folder: Path) -> None:
    """Write the sheet of heat maps, best network first, and the map of the zoo."""
    best_first = [item["model_id"] for item in ranking["items"]]
    job = zoo.attributions.create(best_first, dataset_id=ids.probes, indices=range(SHEET_IMAGES))
    sheet = zoo.attributions.download(job, folder / "heat-maps.png")
    _print_line(f"\nheat maps:   {sheet}")
    for picture in MAP_PICTURES:
        path = folder / f"map-{picture}.svg"
        zoo.maps.download(ids.probes, path, picture=picture, metric="depara")
        _print_line(f"{'map, ' + picture + ':':<12} {path}")


def _train_student(zoo: ZooClient, ids: UploadedZoo, folder: Path) -> None:
    """Train a small network from two of the zoo, rank it with the others, draw its lineage."""
    _print_line("\nTraining a small network from two of these on unlabeled digits:\n")
    student = demo_student.student_of(CliContext(zoo, TextOutput()), ids)
    _print_line(f"\n{demo_report.worth_of(student)}")
    candidates = {**ids.models, student["name"]: student["id"]}
    ranking = _ranked(zoo, replace(ids, models=candidates), STUDENTS_METRIC)
    _print_line(demo_report.rank_of(student["id"], ranking))
    path = zoo.models.draw_lineage(student["id"], folder / "lineage.svg")
    _print_line(f"lineage:     {path}")


def _sign_in_url(settings: Settings, running: Running) -> str:
    """A link that opens the zoo's page, signed in with the key in the home folder, once."""
    with address_of(url=running.rest_url, key=None, home=settings.folder).client() as zoo:
        return zoo.sessions.create_link()["url"]


def _goodbye(settings: Settings, running: Running) -> str:
    return (
        f"The zoo keeps running at {running.rest_url} (API documentation at {running.rest_url}/docs);"
        f"\nthe admin key is in {Home(settings.folder).admin_key};"
        f" stop it with `zooscope down --home {settings.folder}`"
    )


def _print_line(line: str) -> None:
    typer.echo(line)
    sys.stdout.flush()
