"""What a network is, as results state it."""

from pathlib import Path

from torch import nn

from service.core.manifest import ModelManifest
from service.core.results.networks import NetworkFacts
from workers.methods.model_validation.judgement import output_kind_of
from workers.programs import Program
from workers.programs.exporting import export_network

PROGRAM = "program.pt2"


def export(network: nn.Module, manifest: ModelManifest, out: Path) -> NetworkFacts:
    """What the network is; its program lies in ``out`` afterwards."""
    spec = manifest.input
    shape = (spec.channels, spec.height, spec.width)
    return network_facts(export_network(network, shape, out / PROGRAM))


def network_facts(program: Program) -> NetworkFacts:
    """What the program is."""
    return NetworkFacts.model_validate(
        {
            "layers": [
                {"name": layer.name, "kind": layer.kind, "shape": layer.shape}
                for layer in program.layers
            ],
            "feature_layer": program.feature_layer,
            "parameters": program.parameter_count,
            "flops": program.flops,
            "output_kind": output_kind_of(program.output_shape),
            "output_shape": program.output_shape,
            "batch_norms": len(program.batch_norms),
        },
        strict=False,
    )
