"""The call of ModelService that is about lineages."""

from collections.abc import Iterator

from service.core.lineage.files import LineageFormat, file_of
from service.core.lineage.graph import Lineage, Node
from service.core.operations import lineages
from service.core.operations.lineages import LineageRequest
from service.rpc.messages import problem
from service.rpc.parts import Call, Parts
from service.rpc.reading import fit, plain
from service.rpc.sending import pieces
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire


class LineageCalls:
    """GetLineage."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def GetLineage(  # noqa: N802 - the name in the .proto file
        self, request: wire.GetLineageRequest, call: Call
    ) -> Iterator[wire.GetLineageResponse]:
        """What a network was made from, and what was made from it."""
        said = {name: value for name, value in plain(request).items() if name != "id"}
        asked = fit(LineageRequest, said, where="query")
        with self._parts.zoo.transaction() as session:
            found = lineages.lineage(
                session, project=call.project, model_id=request.id, request=asked
            )
        if asked.format is LineageFormat.JSON:
            yield wire.GetLineageResponse(lineage=_message(found))
            return
        for chunk in pieces([file_of(found, asked.format, asked.theme).content]):
            yield wire.GetLineageResponse(chunk=chunk)


def _message(lineage: Lineage) -> wire.Lineage:
    return wire.Lineage(
        model_id=lineage.model_id,
        nodes=[_node(node) for node in lineage.nodes],
        edges=[wire.LineageEdge(**vars(edge)) for edge in lineage.edges],
        notes=[problem(vars(note)) for note in lineage.notes],
    )


def _node(node: Node) -> wire.LineageNode:
    budget = None if node.budget is None else wire.LineageBudget(**node.budget)
    return wire.LineageNode(**{**vars(node), "budget": budget})
