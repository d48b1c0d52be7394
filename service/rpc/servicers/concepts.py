"""ConceptService: which output units of the zoo recognize something."""

from sqlalchemy.orm import Session

from service.core.operations import owned_rows
from service.core.operations.access.keys import Scope
from service.core.operations.concepts import searches
from service.core.operations.concepts.requests import ConceptSearchRequest
from service.core.tables import ConceptSearchRecord
from service.rpc.context import RpcCall, Servicer
from service.rpc.from_proto import request_of
from service.rpc.idempotency import once
from service.rpc.messages import MessageSize
from service.rpc.scopes import requires
from service.rpc.stubs.zoo.v1 import concept_service_pb2 as wire
from service.rpc.stubs.zoo.v1.concept_service_pb2_grpc import ConceptServiceServicer
from service.rpc.to_proto import to_proto
from service.views.concept_searches import ConceptSearchQuery, ConceptSearchView
from service.views.units import SimilarUnitsQuery, UnitQuery, similar_units_view


class ConceptServicer(Servicer, ConceptServiceServicer):
    """Serves ConceptService."""

    @requires(Scope.JOBS, size=MessageSize.LONG)
    def SearchConcept(
        self, request: wire.SearchConceptRequest, call: RpcCall
    ) -> wire.SearchConceptResponse:
        """Which output units recognize what a dataset shows."""
        new = request_of(ConceptSearchRequest, request, where="body")

        def work(session: Session) -> wire.SearchConceptResponse:
            record = searches.create(session, project=call.project, request=new)
            session.refresh(record)
            return wire.SearchConceptResponse(search=_search(session, record))

        return once(self._zoo, call, request=new, shape=wire.SearchConceptResponse, work=work)

    @requires(Scope.READ)
    def GetConceptSearch(
        self, request: wire.GetConceptSearchRequest, call: RpcCall
    ) -> wire.GetConceptSearchResponse:
        """A concept search with the units that it found."""
        with self._zoo.transaction() as session:
            record = owned_rows.get(
                session, ConceptSearchRecord, project=call.project, id=request.id
            )
            return wire.GetConceptSearchResponse(search=_search(session, record))

    @requires(Scope.READ)
    def ListConceptSearches(
        self, request: wire.ListConceptSearchesRequest, call: RpcCall
    ) -> wire.ListConceptSearchesResponse:
        """Concept searches that fit, newest first."""
        query = request_of(ConceptSearchQuery, request, where="query")
        with self._zoo.transaction() as session:
            view = query.page(session, self._parts.tokens, project=call.project)
        return to_proto(view, wire.ListConceptSearchesResponse)

    @requires(Scope.READ)
    def ListUnits(self, request: wire.ListUnitsRequest, call: RpcCall) -> wire.ListUnitsResponse:
        """Output units by the names of their classes."""
        query = request_of(UnitQuery, request, where="query")
        with self._zoo.transaction() as session:
            view = query.page(session, self._parts.tokens, project=call.project)
        return to_proto(view, wire.ListUnitsResponse)

    @requires(Scope.READ)
    def ListSimilarUnits(
        self, request: wire.ListSimilarUnitsRequest, call: RpcCall
    ) -> wire.ListSimilarUnitsResponse:
        """The output units that respond most like one unit."""
        query = request_of(SimilarUnitsQuery, request, where="query", without=("id",))
        view = similar_units_view(self._zoo, query, project=call.project, model_id=request.id)
        return to_proto(view, wire.ListSimilarUnitsResponse)


def _search(session: Session, record: ConceptSearchRecord) -> wire.ConceptSearch:
    return to_proto(ConceptSearchView.of(session, record), wire.ConceptSearch)
