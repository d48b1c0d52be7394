"""RPCs as the audit log describes them: the same actions as over REST."""

import re
from collections.abc import Mapping
from typing import TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from service.core.operations.access import audited_calls
from service.core.operations.access.audited_calls import AuditedCall, CallDescription
from service.core.tables import AuditApi

M = TypeVar("M", bound=Message)
_WORD = re.compile(r"[A-Z][a-z]+")
_VERBS: Mapping[str, str] = {
    "get": "read",
    "list": "read",
    "download": "read",
    "watch": "read",
    "add": "create",
    "submit": "create",
}
# RPCs whose names do not say what REST calls the action.
_ACTIONS: Mapping[str, tuple[str, str]] = {
    "Rank": ("rankings", "create"),
    "SelectLayer": ("layer-selections", "create"),
    "SearchConcept": ("concept-searches", "create"),
    "GetConceptSearch": ("concept-searches", "read"),
    "Predict": ("models", "predict"),
    "GetMapSnapshot": ("snapshots", "read"),
    "ExportAudit": ("audit", "read"),
    "GetOwnKey": ("keys", "read"),
    "RevokeKey": ("keys", "delete"),
    "SetQuotas": ("quotas", "update"),
    "SetModelAlias": ("aliases", "update"),
    "DeleteModelAlias": ("aliases", "delete"),
    "ConfirmFamily": ("family", "confirm"),
    "EstimateRanking": ("rankings", "estimate"),
}


def audited_rpc(method: str, address: str) -> AuditedCall:
    """The call of ``method``, which names no id before its request is read."""
    name = method.rpartition("/")[2]
    noun, verb = _ACTIONS.get(name) or _derived(name)
    about = CallDescription.of(noun, verb, ())
    return AuditedCall(AuditApi.GRPC, address, lambda: about)


def note_request(message: M) -> M:
    """The message of a call; the log names its ids."""
    audited_calls.note_ids(_ids(message))
    return message


def note_sent(message: M) -> M:
    """The message of a reading call; the log names the call if it carries stored bytes."""
    if any(field.type == FieldDescriptor.TYPE_BYTES for field, _ in message.ListFields()):
        audited_calls.note_delivered()
    return message


def _derived(name: str) -> tuple[str, str]:
    """``CreateModel`` is (``models``, ``create``), ``DeleteAccuracy`` (``accuracies``, ``delete``)."""
    verb, *noun = (word.lower() for word in _WORD.findall(name))
    return _plural("-".join(noun)), _VERBS.get(verb, verb)


def _plural(noun: str) -> str:
    if noun.endswith("s"):
        return noun
    return re.sub(r"(?<![aeiou])y$", "ie", noun) + "s"


def _ids(request: Message) -> list[str]:
    """The ids that REST has in the path."""
    named = ((field.name, value) for field, value in request.ListFields())
    return [value for name, value in named if name in {"id", "project"}]
