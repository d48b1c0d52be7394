"""What is known of a network that was checked or trained here, written into its row."""

from service.core.fingerprints import fingerprint
from service.core.results import NetworkFacts
from service.core.tables import ModelRecord, ModelState


def describe_network(model: ModelRecord, network: NetworkFacts, program_sha256: str) -> None:
    """Make the model ready, with what its check or export revealed."""
    model.state = ModelState.READY
    model.program_sha256 = program_sha256
    for name, value in network.model_dump(mode="json").items():
        setattr(model, name, value)
    model.fingerprint = fingerprint(
        {
            "program": program_sha256,
            "input": model.manifest["input"],
            "feature_layer": model.feature_layer,
        }
    )
