"""What a network is, as results state it."""

from dataclasses import asdict
from pathlib import Path

from torch import nn

from service.core.manifest import ModelManifest, TaskKind
from service.core.results.networks import NetworkFacts
from workers.methods.model_validation.judgement import output_kind_of
from workers.programs import PassKind, Program
from workers.programs.exporting import export_network
from workers.programs.inspection import PROBES
from workers.programs.latency import latency_ms
from workers.programs.outputs import measured_scale
from workers.programs.weight_fingerprints import weights_fingerprint
from workers.programs.weight_sketches import weight_sketch

PROGRAM = "program.pt2"


def export(network: nn.Module, manifest: ModelManifest, out: Path) -> NetworkFacts:
    """What the network is; its program lies in ``out`` afterwards."""
    spec = manifest.input
    shape = (spec.channels, spec.height, spec.width)
    program = export_network(network, shape, out / PROGRAM)
    return network_facts(program, task=manifest.task.kind)


def network_facts(program: Program, *, task: TaskKind) -> NetworkFacts:
    """What the program is, for a network of this task."""
    sketch = weight_sketch(program)
    return NetworkFacts.model_validate(
        {
            "layers": [
                {"name": layer.name, "kind": layer.kind, "shape": layer.shape}
                for layer in program.layers
            ],
            "feature_layer": program.feature_layer,
            "parameters": program.parameter_count,
            "flops": program.flops,
            "peak_bytes": program.peak_bytes(1),
            "gradient_peak_bytes": program.peak_bytes(PROBES, PassKind.GRADIENT),
            "latency_ms": latency_ms(program),
            "output_kind": output_kind_of(program.output_shape),
            "output_shape": program.output_shape,
            "batch_norms": len(program.batch_norms),
            "outputs": [
                {"name": output.name, "shape": output.shape} for output in program.outputs
            ],
            "output": program.outputs[0].name,
            "output_scale": measured_scale(program, task=task),
            "weights_sha256": weights_fingerprint(program),
            "sketch": None if sketch is None else asdict(sketch),
            "fixed_batch": program.batch,
        },
        strict=False,
    )
