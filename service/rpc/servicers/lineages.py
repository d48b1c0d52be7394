"""The call of ModelService that is about lineages."""

from collections.abc import Iterator

from service.core.lineage.files import LineageFormat, file_of
from service.core.lineage.graph import LineageGraph, Node
from service.core.operations.lineages import lineages
from service.core.operations.lineages.lineages import LineageRequest
from service.rpc.context import RpcCall, RpcState
from service.rpc.from_proto import fit, plain
from service.rpc.streaming import pieces
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from service.rpc.to_proto import problem


class LineageCalls:
    """GetLineage."""

    def __init__(self, parts: RpcState) -> None:
        self._parts = parts

    def GetLineage(
        self, request: wire.GetLineageRequest, call: RpcCall
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


def _message(lineage: LineageGraph) -> wire.Lineage:
    return wire.Lineage(
        model_id=lineage.model_id,
        nodes=[_node(node) for node in lineage.nodes],
        edges=[wire.LineageEdge(**vars(edge)) for edge in lineage.edges],
        notes=[problem(vars(note)) for note in lineage.notes],
    )


def _node(node: Node) -> wire.LineageNode:
    budget = None if node.budget is None else wire.LineageBudget(**node.budget)
    return wire.LineageNode(**{**vars(node), "budget": budget})
