"""What the map of ten thousand networks costs, drawn from their sketches.

A private Postgres, the real service with its worker, and the synthetic zoo of ``benchmarks.scale``:
sketches of drawn graphs as rows. Printed are the seconds from ``POST /v1/maps`` to the finished job,
of reading the map, and of the estimated matrix of as many networks as a page shows at once; stress,
clusters, and how often two networks of one cluster are of one family.

    python -m benchmarks.large_map [--networks 10000] [--folder DIR]

Writes docs/results/large_map.json.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks import scale
from benchmarks.real_run import environment
from benchmarks.scale import RESULTS, ROOT, ScaleCluster
from benchmarks.zoo_scale import filling, synthetic
from service.core.catalog.transferability_map import MOST_COMPARED_EXACTLY
from zooscope import ZooClient

_PAIRS = 100_000


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", type=int, default=10_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="zoo-map-", dir=options.folder) as folder,
        scale.synthetic_zoo(Path(folder), [options.networks], 1) as cluster,
    ):
        figures = {"surroundings": environment.describe(ROOT), "networks": options.networks}
        scale.grow(cluster, options.networks)
        filling.with_index(cluster.connection, **scale.BUILT)
        figures |= measured(cluster)
    text = json.dumps(figures, indent=1)
    (RESULTS / "large_map.json").write_text(text + "\n")
    print(text)


def measured(cluster: ScaleCluster) -> dict[str, Any]:
    """Seconds of every step, and what the map says of the drawn families."""
    client, probes = cluster.client, cluster.probes.id
    began = time.perf_counter()
    job = _ok(client.post("/v1/maps", json={"dataset_id": probes})).json()
    submitted = time.perf_counter()
    with ZooClient(str(client.base_url), key=client.headers["Authorization"].split()[1]) as zoo:
        finished = zoo.jobs.wait(job["id"])
    drawn = time.perf_counter()
    answer = _ok(client.get(f"/v1/maps/{probes}"))
    read = time.perf_counter()
    indices = list(range(MOST_COMPARED_EXACTLY))
    matrix = _ok(client.get(f"/v1/maps/{probes}", params={"include": "score", "indices": indices}))
    estimated = time.perf_counter()
    document = answer.json()["document"]
    return {
        "submit_seconds": submitted - began,
        "job_seconds": drawn - submitted,
        "job_state": finished["state"],
        "read_seconds": read - drawn,
        "map_bytes": len(answer.content),
        "matrix_of": len(indices),
        "matrix_seconds": estimated - read,
        "matrix_bytes": len(matrix.content),
        "stress": document["stress"],
        "clusters": len(set(document["clusters"])),
        **_agreement(document),
    }


def _ok(answer: httpx.Response) -> httpx.Response:
    assert answer.is_success, answer.text
    return answer


def _agreement(document: dict[str, Any]) -> dict[str, float]:
    """Shares of random pairs: one cluster among one family, and one family among one cluster."""
    families = np.array(
        [int(name.rsplit("-", 1)[1]) // synthetic.FAMILY for name in document["names"]]
    )
    clusters = np.array(document["clusters"])
    first, second = np.random.default_rng(0).integers(len(families), size=(2, _PAIRS))
    family, cluster = families[first] == families[second], clusters[first] == clusters[second]
    return {
        "one_cluster_among_one_family": float(cluster[family].mean()),
        "one_family_among_one_cluster": float(family[cluster].mean()),
    }


if __name__ == "__main__":
    main()
