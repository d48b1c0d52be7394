"""KeyService: API keys and their scopes."""

from service.core.operations.access import audited_calls, key_administration
from service.core.operations.access.keys import Scope
from service.rpc.context import RpcCall, Servicer
from service.rpc.from_proto import request_of
from service.rpc.scopes import requires
from service.rpc.stubs.zoo.v1 import key_service_pb2 as wire
from service.rpc.stubs.zoo.v1.key_service_pb2_grpc import KeyServiceServicer
from service.rpc.to_proto import to_proto
from service.views.keys import KeyQuery, KeyView, NewKeyView, OwnKeyView


class KeyServicer(Servicer, KeyServiceServicer):
    """Serves KeyService."""

    @requires(Scope.ADMIN, Scope.OPERATOR)
    def CreateKey(self, request: wire.CreateKeyRequest, call: RpcCall) -> wire.CreateKeyResponse:
        """Create a key; the idempotency key is ignored, because its answer would store the secret."""
        new = request_of(NewKeyView, request, where="body")
        with self._zoo.transaction() as session:
            created = key_administration.create(session, call.caller, new.request)
            audited_calls.note_created({"id": created.record.id})
            key = to_proto(KeyView.of(created.record), wire.Key)
            return wire.CreateKeyResponse(key=key, token=created.token)

    @requires(Scope.ADMIN, Scope.OPERATOR)
    def ListKeys(self, request: wire.ListKeysRequest, call: RpcCall) -> wire.ListKeysResponse:
        """Keys of a project, newest first."""
        query = request_of(KeyQuery, request, where="query")
        with self._zoo.transaction() as session:
            view = query.page(session, self._parts.tokens, caller=call.caller)
        return to_proto(view, wire.ListKeysResponse)

    @requires(*Scope)
    def GetOwnKey(self, request: wire.GetOwnKeyRequest, call: RpcCall) -> wire.GetOwnKeyResponse:
        """The key that the call carries."""
        del request
        with self._zoo.transaction() as session:
            view = OwnKeyView.of_caller(session, call.caller)
        key = to_proto(view.model_dump(exclude={"held_scopes"}), wire.Key)
        return wire.GetOwnKeyResponse(key=key, held_scopes=view.held_scopes)

    @requires(Scope.ADMIN, Scope.OPERATOR)
    def RevokeKey(self, request: wire.RevokeKeyRequest, call: RpcCall) -> wire.RevokeKeyResponse:
        """Revoke a key."""
        with self._zoo.transaction() as session:
            key_administration.revoke(session, call.caller, key_id=request.id)
        self._parts.authenticator.revoked(request.id)
        return wire.RevokeKeyResponse()
