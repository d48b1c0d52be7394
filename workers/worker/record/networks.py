"""What is known of a network that was checked or made here, written into its row."""

from typing import Any

from service.core.fingerprints import fingerprint
from service.core.tables import ModelRecord, ModelState

_FOUND = (
    "layers",
    "feature_layer",
    "parameters",
    "flops",
    "output_kind",
    "output_shape",
    "batch_norms",
)


def describe_network(model: ModelRecord, data: Any, program_sha256: str) -> None:
    """Make the model ready, with what the check found."""
    model.state = ModelState.READY
    model.program_sha256 = program_sha256
    for name in _FOUND:
        setattr(model, name, data[name])
    model.fingerprint = fingerprint(
        {
            "program": program_sha256,
            "input": model.manifest["input"],
            "feature_layer": model.feature_layer,
        }
    )
