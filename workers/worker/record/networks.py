"""What is known of a network that was checked or trained here, written into its row."""

from sqlalchemy.orm import Session

from service.core.fingerprints import fingerprint
from service.core.operations import model_names
from service.core.operations.families.recording import record_sketch
from service.core.results import NetworkFacts
from service.core.tables import ModelRecord, ModelState


def describe_network(
    session: Session, model: ModelRecord, network: NetworkFacts, program_sha256: str
) -> None:
    """The model, new or stored, is ready, with what its check or export revealed."""
    model.state = ModelState.READY
    model.program_sha256 = program_sha256
    for name, value in network.model_dump(mode="json", exclude={"sketch"}).items():
        setattr(model, name, value)
    model.fingerprint = fingerprint(
        {
            "program": program_sha256,
            "input": model.manifest["input"],
            "feature_layer": model.feature_layer,
            **({} if len(network.outputs) == 1 else {"output": network.output}),
        }
    )
    session.add(model)
    session.flush()
    model_names.changed_relatives(session, model)
    if network.sketch is not None:
        record_sketch(session, model, **network.sketch.model_dump(mode="json"))
