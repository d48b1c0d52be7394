"""``python -m zooscope.packing MODULE:callable --weights file.pth --manifest m.json --out m.pt2``."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service.core.errors import ZooError
from service.core.manifest import ModelManifest
from service.core.strict_json import long_lists, parse_json
from zooscope.packing.modules import build_module
from zooscope.packing.packing import PackedModel, pack
from zooscope.packing.refusal import PackingError
from zooscope.packing.weights import load_weights

_FAILED = 1
_JSON = long_lists(4 * 1024**2)


def main(words: list[str] | None = None) -> int:
    """Pack one network; 0 when the files were written, 1 with the reason on stderr otherwise."""
    arguments = _parser().parse_args(words)
    try:
        packed, note = _pack(arguments)
    except ZooError as error:
        sys.stderr.write(f"zooscope: {error.detail} ({error.code})\n")
        sys.stderr.write(f"          {error.remedy}\n" if error.remedy else "")
        return _FAILED
    except (OSError, MemoryError) as error:
        sys.stderr.write(f"zooscope: this machine failed: {error!r} (internal)\n")
        sys.stderr.write("          check free space, memory and permissions, then try again\n")
        return _FAILED
    sys.stderr.write(f"note: {note}\n" if note else "")
    sys.stdout.write(_summary(packed, arguments.json))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zooscope pack", description=__doc__)
    parser.add_argument("module", help="package.module:callable or file.py:callable")
    parser.add_argument(
        "--weights", type=Path, help="checkpoint; without it the module's own weights"
    )
    parser.add_argument(
        "--weights-key", help="key or prefix of the weights to take, such as state_dict_ema"
    )
    parser.add_argument("--manifest", type=Path, required=True, help="JSON: name, task, input, …")
    parser.add_argument("--out", type=Path, required=True, help="the pt2 file to write")
    parser.add_argument(
        "--arguments", default="{}", help="JSON object of arguments for the callable"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _pack(arguments: argparse.Namespace) -> tuple[PackedModel, str]:
    """The packed network, and which of several weights were taken."""
    manifest = _manifest(arguments.manifest)
    network = build_module(arguments.module, _object(arguments.arguments.encode(), "--arguments"))
    note = ""
    if arguments.weights is not None:
        note = load_weights(network, arguments.weights, key=arguments.weights_key).note
    return pack(network, manifest, arguments.out), note


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        content = parse_json(data, _JSON)
    except ZooError as error:
        raise PackingError("invalid_manifest", f"{what}: {error.detail}", error.remedy or "") from error  # fmt: skip
    if not isinstance(content, dict):
        raise PackingError("invalid_manifest", f"{what} is not a JSON object", "write {…}")
    return content


def _manifest(path: Path) -> ModelManifest:
    """The manifest file, whose format is pt2 whatever it says."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PackingError("invalid_manifest", f"{path} cannot be read: {error.strerror}", "check the path") from error  # fmt: skip
    content = _object(data, str(path)) | {"format": "pt2"}
    content.pop("architecture", None)
    try:
        return ModelManifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise PackingError("invalid_manifest", f"{field}: {first['msg']}", f"correct {field} in {path.name}") from error  # fmt: skip


def _summary(packed: PackedModel, as_json: object) -> str:
    facts = {
        "file": str(packed.file),
        "manifest": str(packed.manifest_file),
        "parameters": packed.program.parameter_count,
        "flops": packed.program.flops,
        "layers": len(packed.program.layers),
        "feature_layer": packed.program.feature_layer,
        "batch": packed.program.batch,
        "deviation": packed.deviation,
    }
    if as_json:
        return json.dumps(facts) + "\n"
    return "".join(f"{key:14} {value}\n" for key, value in facts.items())


if __name__ == "__main__":
    raise SystemExit(main())
