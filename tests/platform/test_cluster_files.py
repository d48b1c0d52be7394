"""Compose file, Kubernetes manifests and dashboard: valid by their schemas, and true to the product."""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from service.container import Zoo
from service.embedded.components import ComponentName
from service.rest.metrics import Metrics
from service.settings import Settings

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "deploy" / "kubernetes"
OLDEST, NEWEST = "1.30", "1.37"
SUFFIXES = r"_(total|bucket|count|sum|created)$"


def objects() -> dict[str, dict[str, Any]]:
    """Every object of the manifests by kind and name."""
    kustomization = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())
    documents = [
        document
        for name in kustomization["resources"]
        for document in yaml.safe_load_all((MANIFESTS / name).read_text())
    ]
    return {
        f"{document['kind']} {document['metadata']['name']}": document for document in documents
    }


OBJECTS = objects()
DEPLOYMENTS = [name for name in OBJECTS if name.startswith("Deployment ")]


def pod_of(deployment: str) -> dict[str, Any]:
    return OBJECTS[deployment]["spec"]["template"]["spec"]


def test_the_compose_file_is_valid_by_the_schema_of_compose():
    arguments = ["--builtin-schema", "vendor.compose-spec", str(ROOT / "docker-compose.yml")]

    result = CliRunner().invoke(check_jsonschema, arguments)

    assert result.exit_code == 0, result.output


def test_every_foreign_image_is_pinned_to_a_version():
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]

    for image in (service["image"] for service in services.values() if "image" in service):
        assert re.search(r":v?\d+\.\d+", image), image


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", OBJECTS)
def test_a_manifest_is_valid_by_the_schema_of_kubernetes(name: str, version: str):
    kubernetes_validate.validate(OBJECTS[name], version, strict=True)


def test_every_manifest_is_a_resource_of_the_kustomization():
    resources = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())["resources"]

    files = {path.name for path in MANIFESTS.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(resources) == files


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_part_runs_a_component_as_an_ordinary_user(name: str):
    pod = pod_of(name)
    (container,) = pod["containers"]

    assert container["args"][:3] == ["zooscope", "up", "--only"]
    assert container["args"][3] in set(ComponentName)
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_every_component_has_a_deployment():
    components = {pod_of(name)["containers"][0]["args"][3] for name in DEPLOYMENTS}

    assert components == {"api", "grpc", "scheduler", "worker"}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_worker_gets_longer_to_stop_than_its_jobs(name: str):
    pod = pod_of(name)

    if pod["containers"][0]["args"][3] == "worker":
        assert pod["terminationGracePeriodSeconds"] > Settings().shutdown_grace_seconds


def test_names_that_point_at_other_objects_point_at_existing_ones():
    labels = {OBJECTS[name]["metadata"]["name"] for name in DEPLOYMENTS}

    for name, document in OBJECTS.items():
        match document:
            case {"kind": "HorizontalPodAutoscaler", "spec": spec}:
                assert f"Deployment {spec['scaleTargetRef']['name']}" in OBJECTS, name
            case {"kind": "PodDisruptionBudget", "spec": spec}:
                assert spec["selector"]["matchLabels"]["app.kubernetes.io/name"] in labels, name
            case {"kind": "Service", "spec": spec}:
                assert spec["selector"]["app.kubernetes.io/name"] in labels, name


def test_every_setting_of_the_manifests_exists():
    settings = {f"ZOO_{field.upper()}" for field in Settings.model_fields}
    secret = re.findall(
        r"^([A-Z_]+)=", (MANIFESTS / "secret.env.example").read_text(), re.MULTILINE
    )
    of_parts = [
        variable["name"]
        for name in DEPLOYMENTS
        for variable in pod_of(name)["containers"][0].get("env", ())
    ]

    names = [*OBJECTS["ConfigMap zooscope"]["data"], *secret, *of_parts]
    assert {name for name in names if name.startswith("ZOO_")} <= settings


def test_every_metric_of_dashboard_and_autoscaling_is_one_of_the_product(zoo: Zoo):
    metrics = Metrics(zoo)
    metrics.count("GET", "/v1/models", 200, 0.1)
    measured = set(re.findall(r"^# TYPE (\w+)", metrics.text().decode(), re.MULTILINE))
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "zooscope.json").read_text())
    queries = " ".join(t["expr"] for panel in dashboard["panels"] for t in panel["targets"])
    scaling = (MANIFESTS / "autoscaling.yaml").read_text()

    named = set(re.findall(r"\bzooscope_\w+", queries)) | set(
        re.findall(r"name: (zooscope_\w+)", scaling)
    )
    bare = {re.sub(SUFFIXES, "", name) for name in named}
    assert bare <= {re.sub(SUFFIXES, "", name) for name in measured}


def test_the_panels_of_the_dashboard_do_not_overlap():
    panels = json.loads((ROOT / "deploy" / "grafana" / "zooscope.json").read_text())["panels"]
    cells = [
        (column, row)
        for panel in panels
        for column in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for row in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24
