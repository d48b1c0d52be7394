"""What a file is, judged by its first and last bytes alone; nothing is opened, unpacked or run."""

from dataclasses import dataclass

from service.core.errors import RefusedUploadError
from service.core.manifest import ModelFormat

EDGE_BYTES = 65_536
PACK = "run `zooscope pack` on your own machine and upload the pt2 file that it writes"
_HEADER_PREFIX = 9
_FIRST_NAME_BYTES = 600
_PICKLE_PROTOCOLS = tuple(bytes([0x80, protocol]) for protocol in range(1, 6))
_OLD_PICKLES = (b"(dp", b"(lp", b"ccollections\n", b"c__builtin__", b"cposix\n", b"cos\n")


@dataclass(frozen=True)
class Kind:
    """A recognised kind of file: its name for people and, if it is read, the upload form."""

    name: str
    form: ModelFormat | None = None


PT2 = Kind("a pt2 archive", ModelFormat.PT2)
ZIP = Kind("a zip archive", ModelFormat.PT2)
SAFETENSORS = Kind("a safetensors file", ModelFormat.SAFETENSORS)
PICKLE = Kind("a pickle")
TORCH_SAVE = Kind("a torch.save archive or TorchScript, which holds a pickle")
KERAS = Kind("a Keras archive")
HDF5 = Kind("an HDF5 (Keras) file")
ONNX = Kind("an ONNX file")
TAR = Kind("a tar archive")
GZIP = Kind("a compressed file")
EXECUTABLE = Kind("an executable")
UNKNOWN = Kind("not a file of a known kind")

_BEGINNINGS = (
    (PICKLE, (*_PICKLE_PROTOCOLS, *_OLD_PICKLES)),
    (HDF5, (b"\x89HDF\r\n\x1a\n",)),
    (EXECUTABLE, (b"\x7fELF", b"MZ", b"#!")),
    (GZIP, (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")),
)


def kind_of(head: bytes, tail: bytes = b"") -> Kind:
    """The kind of a file that begins with ``head`` and ends with ``tail`` (EDGE_BYTES of each)."""
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(head, tail)
    for kind, beginnings in _BEGINNINGS:
        if head.startswith(beginnings):
            return kind
    if head[257:262] == b"ustar":
        return TAR
    if _begins_like_safetensors(head):
        return SAFETENSORS
    return ONNX if _begins_like_onnx(head) else UNKNOWN


def _kind_of_zip(head: bytes, tail: bytes) -> Kind:
    """Zip archives are told apart by names of members; the last ones stand in the tail."""
    names = head[:_FIRST_NAME_BYTES] + tail
    if b"/models/model.json" in names or b"/data/weights/" in names:
        return PT2
    if b"/data.pkl" in names or b"/constants.pkl" in names or b"/code/__torch__" in names:
        return TORCH_SAVE
    return KERAS if b"model.weights.h5" in names or b"metadata.json" in names else ZIP


def _begins_like_safetensors(head: bytes) -> bool:
    return len(head) >= _HEADER_PREFIX and head[8:9] == b"{" and head[6:8] == b"\0\0"


def _begins_like_onnx(head: bytes) -> bool:
    """A protocol buffer whose first field is the ir_version, a small number."""
    return head[:1] == b"\x08" and head[1:2] < b"\x20" and head[2:3] in {b"\x12", b"\x1a", b"B"}


def require_form(head: bytes, tail: bytes, *, form: ModelFormat) -> None:
    """Refuse a file whose first and last bytes are not those of the announced form.

    Raises:
        RefusedUploadError: ``unsafe_format`` for kinds that are never read, ``unknown_format``,
            or ``mislabelled`` for a readable kind that is not the announced one.
    """
    kind = kind_of(head, tail)
    if kind.form is form:
        return
    if kind is UNKNOWN:
        raise RefusedUploadError(
            f"the file is {kind.name}",
            code="unknown_format",
            remedy=f"{PACK}, or send safetensors",
        )
    if kind.form is None:
        raise RefusedUploadError(
            f"the file is {kind.name}; such files are never opened",
            code="unsafe_format",
            remedy=PACK,
        )
    raise RefusedUploadError(
        f"the manifest says {form}, the file is {kind.name}",
        code="mislabelled",
        remedy=f"set `format` to {kind.form}, or send the right file",
    )
