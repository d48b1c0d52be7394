"""Every RPC of the descriptors as one schema, with requests in the JSON form of protobuf."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

from service.core.catalog import public_methods
from service.rpc.server import SERVICES
from tests.apis.tenancy.answers import ComparedAnswer, of_messages, of_rpc_error
from tests.apis.tenancy.request_shapes import Ids, Schema, kind_of, sample
from tests.apis.tenancy.rest_operations import job_bodies
from tests.waiting import HANG_SECONDS

# A stream that does not end has no answer to compare; tests/rest/test_events.py is about it.
ENDLESS = {"zoo.v1.EventService.WatchEvents"}
_SUBMIT = "SubmitJob"
# What a request needs beside ids; a number that may be zero is marked as optional all the same.
_NEEDED = {"alias", "unit"}
# Whose id an RPC takes if neither its name nor its service's says so.
_ABOUT = {"ListSimilarUnits": "model"}
_READING = ("Get", "List", "Watch", "Download", "Predict", "Estimate")


@dataclass(frozen=True)
class RpcOperation:
    """One RPC; ``variant`` tells the requests of one RPC apart."""

    method: MethodDescriptor
    variant: str
    schema: Schema

    @property
    def name(self) -> str:
        """What the RPC is called in a report."""
        return f"{self.method.full_name} {self.variant}".rstrip()

    @property
    def changes(self) -> bool:
        """Whether a call may change something."""
        return not self.method.name.startswith(_READING)

    def base(self, ids: Ids) -> Any:
        """The smallest request."""
        return sample(self.schema, "", ids)

    def send(self, channel: grpc.Channel, request: Any) -> ComparedAnswer:
        """The answer to a request of this schema, read to its end."""
        message = ParseDict(request, GetMessageClass(self.method.input_type)())
        sent = iter([message]) if self.method.client_streaming else message
        try:
            received = self._call(channel)(sent, timeout=HANG_SECONDS)
            return of_messages(received if self.method.server_streaming else [received])
        except grpc.RpcError as error:
            return of_rpc_error(error)

    def _call(self, channel: grpc.Channel) -> Any:
        kinds = {
            (False, False): channel.unary_unary,
            (False, True): channel.unary_stream,
            (True, False): channel.stream_unary,
        }
        make = kinds[self.method.client_streaming, self.method.server_streaming]
        return make(
            f"/{self.method.containing_service.full_name}/{self.method.name}",
            request_serializer=GetMessageClass(self.method.input_type).SerializeToString,
            response_deserializer=GetMessageClass(self.method.output_type).FromString,
        )


def rpc_operations() -> Iterator[RpcOperation]:
    """Every RPC; a job once for each method and spelling."""
    for service in map(Default().FindServiceByName, SERVICES):
        for method in service.methods:
            schema = _message(method.input_type, method)
            if method.full_name in ENDLESS:
                continue
            if method.name != _SUBMIT:
                yield RpcOperation(method, "", schema)
                continue
            for spec in public_methods():
                for variant, body in job_bodies(spec.describe(), schema["properties"]):
                    yield RpcOperation(method, variant, body)


def _message(message: Descriptor, method: MethodDescriptor) -> Schema:
    """The schema of a message: what it needs are ids, a few other fields, and one of several messages."""
    properties = {field.name: _field(field, method) for field in message.fields}
    needed = [
        field.name
        for field in message.fields
        if field.name in _NEEDED
        or (not field.has_presence and (properties[field.name].get("format") or _is_list(message)))
    ]
    for oneof in message.oneofs:
        if oneof.name.startswith("_"):
            continue
        needed += [oneof.fields[0].name] if all(f.message_type for f in oneof.fields) else []
        for field in oneof.fields:
            properties[field.name] |= {"choice": oneof.name}
    return {"type": "object", "properties": properties, "required": needed}


def _is_list(message: Descriptor) -> bool:
    """Whether the message holds a list and nothing else."""
    return len(message.fields) == 1 and message.fields[0].is_repeated


def _field(field: FieldDescriptor, method: MethodDescriptor) -> Schema:
    single = _single(field, method)
    if not field.is_repeated:
        return single
    shortest = 1 if _is_list(field.containing_type) else 0
    return {"type": "array", "items": single, "minItems": shortest}


def _single(field: FieldDescriptor, method: MethodDescriptor) -> Schema:
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Struct":
            return {"type": "object", "properties": {}}
        return _message(field.message_type, method)
    if field.enum_type is not None:
        return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text(field, method)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "format": "binary"}
    return {
        "type": "integer" if field.type != FieldDescriptor.TYPE_BOOL else "boolean",
        "minimum": 0,
    }


def _text(field: FieldDescriptor, method: MethodDescriptor) -> Schema:
    """Text, with the format of an id for names that end like one; ``id`` alone goes by the RPC."""
    if not re.search(r"(^|_)ids?$", field.name):
        return {"type": "string"}
    stem = re.sub(r"_?ids?$", "", field.name) or _noun(method)
    kind = kind_of(stem)
    return {"type": "string", "format": f"{kind.name.lower() if kind else stem}-id"}


def _noun(method: MethodDescriptor) -> str:
    """The thing that an RPC is about: the last noun of its name, or else its service's."""
    if method.name in _ABOUT:
        return _ABOUT[method.name]
    words = re.findall("[A-Z][a-z]+", method.name)
    for start in range(1, len(words)):
        stem = "_".join(words[start:]).lower()
        if kind_of(stem) is not None:
            return stem
    return method.containing_service.name.removesuffix("Service").lower()
