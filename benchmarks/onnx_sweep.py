"""Which published architectures survive the way through an ONNX file?

For each architecture: build it with random weights, write it with both exporters of PyTorch, read the file
as the zoo does, and compare the output with onnxruntime's and the input gradient with the module's.
``python -m benchmarks.onnx_sweep`` prints the table and writes it into ``docs/formats.md``; ``--only vit``
runs the names that contain a word; ``--rows FILE`` keeps finished rows there and continues from them.
"""

import argparse
import json
import logging
import math
import multiprocessing
import re
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from benchmarks.onnx_architectures import LEAST_RESPONSE, LISTED, network_of, response
from workers.programs import Program, ProgramFailedError, ProgramRefusedError, read_program
from workers.programs.exporting import example_images
from workers.programs.onnx import convert_onnx, read_onnx
from zooscope.packing.packing import tensors_in

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "formats.md"
BEGIN, END = "<!-- onnx sweep begin -->", "<!-- onnx sweep end -->"
OUTPUT_TOLERANCE, GRADIENT_TOLERANCE = 1e-4, 1e-3
TIME_LIMIT_SECONDS = 900
IMAGES = 2
EXPORTERS = ("script", "dynamo")
_COLORS = re.compile(r"\x1b\[[0-9;]*m")


def main() -> None:
    """Sweep architectures, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only names that contain this")
    parser.add_argument("--rows", type=Path, help="JSON file of finished rows")
    parser.add_argument(
        "--page", action="store_true", help="only write finished rows into the page"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    done = json.loads(options.rows.read_text()) if options.rows and options.rows.exists() else {}
    if not options.page:
        _warm_up()
    # Both ways before the next, half done first and small first: an interrupted sweep has whole rows.
    for name in sorted(LISTED, key=partial(_nodes, done)) if not options.page else ():
        for exporter in EXPORTERS:
            key = f"{name} {exporter}"
            if options.only in name and key not in done:
                done[key] = _apart(name, exporter)
                if options.rows:
                    options.rows.write_text(json.dumps(done, indent=1))
    table = _table(done)
    print(table)
    if not options.only:
        _publish(table)


def _nodes(rows: dict[str, dict[str, Any]], name: str) -> float:
    """The nodes of the file that an architecture has already, infinite without one."""
    return min(
        (rows[key].get("nodes", 0) for way in EXPORTERS if (key := f"{name} {way}") in rows),
        default=math.inf,
    )


def _warm_up() -> None:
    """Everything is imported that each architecture's process would import again."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    with tempfile.TemporaryDirectory() as folder:
        for exporter in EXPORTERS:
            path = Path(folder) / f"{exporter}.onnx"
            _write(network, (3, 8, 8), path, exporter)
            convert_onnx(path, (3, 8, 8), path.with_suffix(".pt2"))


def _apart(name: str, exporter: str) -> dict[str, Any]:
    """One architecture in a process of its own."""
    started = time.monotonic()
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_send_row, args=(theirs, name, exporter))
    process.start()
    theirs.close()
    try:
        row: dict[str, Any] = (
            ours.recv()
            if ours.poll(TIME_LIMIT_SECONDS)
            else {"code": "time_limit", "detail": f"more than {TIME_LIMIT_SECONDS} s"}
        )
    except EOFError:
        row = {"code": "crashed", "detail": "the process ended"}
    process.kill()
    process.join()
    row["seconds"] = round(time.monotonic() - started, 1)
    verdict = row.get("code") or "ok"
    print(f"{name:44} {exporter:7} {verdict} {row['seconds']} s {row.get('detail', '')}", file=sys.stderr, flush=True)  # fmt: skip
    return row


def _send_row(pipe: Connection, name: str, exporter: str) -> None:
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        pipe.send(_row(name, exporter, Path(folder)))


def _row(name: str, exporter: str, folder: Path) -> dict[str, Any]:
    """Build, write, read, compare."""
    try:
        network, shape = network_of(name)
        first = _FirstTensor(network).eval()
        _write(first, shape, folder / "net.onnx", exporter)
    except Exception as error:  # noqa: BLE001 - exporters fail in many ways; the row says how
        return {"code": "not_exported", "detail": f"{type(error).__name__}: {error}"[:150]}
    nodes = len(read_onnx(folder / "net.onnx").nodes)
    try:
        convert_onnx(folder / "net.onnx", shape, folder / "net.pt2")
        program = read_program(folder / "net.pt2")
        return {"shape": shape, "nodes": nodes, **_compared(first, program, folder / "net.onnx")}
    except (ProgramRefusedError, ProgramFailedError) as error:
        return {"code": error.code, "detail": error.detail[:150], "shape": shape, "nodes": nodes}


class _FirstTensor(nn.Module):
    """The network with its first tensor as the only output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """The first output."""
        return tensors_in(self.network(images))[0]


def _write(network: nn.Module, shape: tuple[int, int, int], path: Path, exporter: str) -> None:
    """The network as an ONNX file with a free batch axis."""
    images = example_images(IMAGES, shape)
    if exporter == "script":
        torch.onnx.export(
            network, (images,), str(path), dynamo=False, input_names=["images"],
            output_names=["scores"], dynamic_axes={"images": {0: "n"}, "scores": {0: "n"}},
        )  # fmt: skip
        return
    free = ({0: torch.export.Dim("batch", min=1, max=64)},)
    torch.onnx.export(
        network, (images,), str(path), dynamo=True, dynamic_shapes=free, external_data=False,
        verbose=False,
    )  # fmt: skip


def _compared(network: nn.Module, program: Program, file: Path) -> dict[str, Any]:
    """Deviations of the output from onnxruntime's, and of the input gradient from the module's."""
    images = example_images(IMAGES, program.input_shape)
    reference = runtime_output(file, images)
    answer = program(images)
    weighting = torch.randn_like(answer)
    output = distance(answer, reference)
    gradient = _gradient_distance(network, program, images, weighting)
    good = output <= OUTPUT_TOLERANCE and gradient <= GRADIENT_TOLERANCE
    code = None if good else "deviates"
    if response(reference) < LEAST_RESPONSE:
        code = "no_response"
    return {
        "code": code, "detail": "" if code is None else f"{output:.1e}, {gradient:.1e}",
        "batch": program.batch, "layers": len(program.layers), "feature_layer": program.feature_layer,
        "output": output, "gradient": gradient,
    }  # fmt: skip


def _gradient_distance(
    network: nn.Module, program: Program, images: Tensor, weighting: Tensor
) -> float:
    """Distance of the program's input gradient from the module's; the median of three draws if it is large.

    Where a value lies at the kink of a ReLU, rounding decides which gradient it has, and the module's own
    gradient in double precision is as far from that in single precision. Other images hardly hit a kink.
    """
    draws = [images, *(torch.rand_like(images) * 2 - 1 for _ in range(2))]
    distances = []
    for draw in draws:
        ours, theirs = (_gradient(run, draw, weighting) for run in (program, network))
        distances.append(distance(ours, theirs))
        if distances[0] <= GRADIENT_TOLERANCE:
            break
    return statistics.median(distances)


def runtime_output(file: Path, images: Tensor) -> Tensor:
    """What onnxruntime computes."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    (name,) = (entry.name for entry in session.get_inputs())
    return torch.from_numpy(np.asarray(session.run(None, {name: images.numpy()})[0]))


def _gradient(run: Callable[[Tensor], Tensor], images: Tensor, weighting: Tensor) -> Tensor:
    leaf = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((run(leaf) * weighting).sum(), leaf)
    return gradient


def distance(value: Tensor, reference: Tensor) -> float:
    """Relative distance of a value from its reference."""
    return float((value - reference).norm() / reference.norm().clamp_min(1e-30))


def _table(rows: dict[str, dict[str, Any]]) -> str:
    """The rows as Markdown with a line of totals."""
    reached = {key.partition(" ")[0] for key in rows}
    names = [name for name in LISTED if name in reached]
    missing = [name.partition(":")[2] for name in LISTED if name not in reached]
    rest = f"\n\nListed but not reached by this run: {', '.join(missing)}." if missing else ""
    written = [row for row in rows.values() if row["code"] != "not_exported"]
    passed = sum(row["code"] is None for row in written)
    lines = [
        f"{passed} of {len(written)} files of {len(names)} architectures pass "
        f"({100 * passed / max(len(written), 1):.1f} %): the file is read, the output equals "
        f"onnxruntime's to {OUTPUT_TOLERANCE:g} and the input gradient the module's to "
        f"{GRADIENT_TOLERANCE:g} relative. PyTorch {torch.__version__.partition('+')[0]}, "
        f"onnxruntime {onnxruntime.__version__}.",
        "",
        "| architecture | input | nodes | older exporter: output | gradient | nodes | newer exporter: output | gradient |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join(lines + [_line(name, rows) for name in names]) + rest


def _line(name: str, rows: dict[str, dict[str, Any]]) -> str:
    both = [rows.get(f"{name} {exporter}", {}) for exporter in EXPORTERS]
    side = next((row["shape"][-1] for row in both if "shape" in row), "–")
    short = name.removeprefix("timm:").replace(":", " ")
    return f"| {short} | {side} | " + " | ".join(_cells(row) for row in both) + " |"


def _cells(row: dict[str, Any]) -> str:
    if not row:
        return "– | – | –"
    if row.get("output") is None:
        text = _COLORS.sub("", str(row["detail"]))
        detail = " ".join(text.split()).replace("|", "/")[:120]
        return f"{row.get('nodes', '–')} | `{row['code']}`: {detail} | –"
    mark = "" if row["code"] is None else f" `{row['code']}`"
    return f"{row['nodes']} | {row['output']:.0e}{mark} | {row['gradient']:.0e}"


def _publish(table: str) -> None:
    """Put the table between its marks on the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
