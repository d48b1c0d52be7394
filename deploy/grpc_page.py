"""The reference page of gRPC, from the ``.proto`` files and their comments."""

import tempfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from grpc_tools import protoc

ROOT = Path(__file__).parents[1]
PROTO = ROOT / "proto"
TOP = """# gRPC

Generated from the files below `proto/`; a running server describes itself by reflection unless ZOO_GRPC_REFLECTION is false. Send the
metadata entry `authorization: Bearer zoo_…` with every call. Errors carry the same `code`, `detail`
and `remedy` as over REST. [Use gRPC](../how-to/use-grpc.md) shows whole programs.
"""
# Numbers of fields in descriptor.proto, of which the path of a comment consists.
_MESSAGES, _ENUMS, _SERVICES = 4, 5, 6
_MEMBERS, _NESTED = 2, 3
Comments = Mapping[tuple[int, ...], str]


def pages() -> Mapping[Path, str]:
    """The page and what it should hold."""
    sections = [text for file in _files() for text in _sections(file)]
    return {ROOT / "docs" / "reference" / "grpc.md": "\n".join([TOP, *sections])}


def _files() -> list[FileDescriptorProto]:
    """Our files: those with calls first, then those with what they share."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "zoo.pb"
        paths = sorted(str(path) for path in PROTO.rglob("*.proto"))
        options = ["--include_source_info", f"--descriptor_set_out={out}"]
        roots = [f"--proto_path={PROTO}", f"--proto_path={files('grpc_tools') / '_proto'}"]
        if protoc.main(["protoc", *roots, *options, *paths]):
            raise SystemExit("protoc refused the .proto files, see above")
        described = FileDescriptorSet.FromString(out.read_bytes()).file
    return sorted(described, key=lambda file: (not file.service, file.name))


def _sections(file: FileDescriptorProto) -> Iterator[str]:
    comments = {
        tuple(where.path): " ".join(
            (where.leading_comments or where.trailing_comments).split()
        ).replace("|", "\\|")
        for where in file.source_code_info.location
    }
    for number, service in enumerate(file.service):
        path = (_SERVICES, number)
        yield f"## {service.name}\n\n{_paragraph(comments[path])}| call | takes | answers | does |\n|---|---|---|---|"
        for index, method in enumerate(service.method):
            yield _call(method, comments[(*path, _MEMBERS, index)])
        yield ""
    if not file.service:
        yield f"## Shared messages of {file.name}\n"
    for number, message in enumerate(file.message_type):
        yield from _message(message, comments, (_MESSAGES, number))
    for number, enum in enumerate(file.enum_type):
        yield _enum(enum, comments, (_ENUMS, number))


def _call(method: MethodDescriptorProto, comment: str) -> str:
    takes = ("stream of " if method.client_streaming else "") + _link(method.input_type)
    answers = ("stream of " if method.server_streaming else "") + _link(method.output_type)
    return f"| `{method.name}` | {takes} | {answers} | {comment} |"


def _message(message: DescriptorProto, comments: Comments, path: tuple[int, ...]) -> Iterator[str]:
    """One table for each message, and one for each message inside."""
    if message.options.map_entry:
        return
    yield f"### {message.name}\n\n{_paragraph(comments.get(path, ''))}{_fields(message, comments, path)}\n"
    for index, nested in enumerate(message.nested_type):
        yield from _message(nested, comments, (*path, _NESTED, index))


def _fields(message: DescriptorProto, comments: Comments, path: tuple[int, ...]) -> str:
    if not message.field:
        return "No fields."
    rows = (
        f"| `{field.name}` | {_kind(field, message)} | {comments.get((*path, _MEMBERS, index), '')} |"
        for index, field in enumerate(message.field)
    )
    return "| field | type | meaning |\n|---|---|---|\n" + "\n".join(rows)


def _kind(field: FieldDescriptorProto, message: DescriptorProto) -> str:
    """A few words on what a field holds."""
    maps = {entry.name: entry for entry in message.nested_type if entry.options.map_entry}
    entry = maps.get(field.type_name.rpartition(".")[2])
    if entry is not None:
        key, value = (_scalar(member) for member in entry.field)
        return f"map from {key} to {value}"
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"list of {_scalar(field)}"
    if field.proto3_optional:
        return f"{_scalar(field)}, optional"
    if field.HasField("oneof_index"):
        return f"{_scalar(field)}, one of `{message.oneof_decl[field.oneof_index].name}`"
    return _scalar(field)


def _scalar(field: FieldDescriptorProto) -> str:
    if field.type_name:
        return _link(field.type_name)
    return FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def _link(type_name: str) -> str:
    """A link to a message of ours; the full name of anybody else's."""
    name = type_name.rpartition(".")[2]
    ours = type_name.startswith(".zoo.")
    return f"[{name}](#{name.lower()})" if ours else f"`{type_name.lstrip('.')}`"


def _enum(enum: EnumDescriptorProto, comments: Comments, path: tuple[int, ...]) -> str:
    rows = "".join(
        f"| `{value.name}` | {comments.get((*path, _MEMBERS, index), '')} |\n"
        for index, value in enumerate(enum.value)
    )
    paragraph = _paragraph(comments.get(path, ""))
    return f"### {enum.name}\n\n{paragraph}| value | meaning |\n|---|---|\n{rows}"


def _paragraph(comment: str) -> str:
    return f"{comment}\n\n" if comment else ""
