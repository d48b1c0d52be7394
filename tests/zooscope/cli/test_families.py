"""The command lists relatives and confirms a descent, which the tree of the lineage then shows."""

from service.container import Zoo
from service.core.operations.families.recording import record_sketch
from tests.core.families.tensors import random_tensors, stored
from tests.rest.served import a_model
from tests.zooscope.cli.shells import Shell


def test_relatives_are_listed_confirmed_and_drawn(shell: Shell, zoo: Zoo):
    tensors = random_tensors(0)
    weights = {"fox": tensors, "hen": [tensor.half().float() for tensor in tensors]}
    with zoo.transaction() as session:
        for number, (name, values) in enumerate(weights.items()):
            model = a_model(session, name=name, weights_sha256=f"{number:064x}")
            session.flush()
            record_sketch(session, model, weights=stored(values), others=5)

    listed = shell.output("models", "family", "hen")
    suggested = shell.output("models", "lineage", "hen")
    confirmed = shell.output("models", "confirm-family", "hen", "fox")
    drawn = shell.output("models", "lineage", "fox")

    assert "half_precision" in listed
    assert "ancestor" in listed
    assert "suggested ancestor fox" in suggested
    assert "fox is now its ancestor" in confirmed
    assert "confirmed descendant hen" in drawn
