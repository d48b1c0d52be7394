"""``python -m zooscope.packing MODULE:callable --weights file.pth --manifest m.json --out m.pt2``."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service.core.errors import ZooError
from service.core.manifest import ModelManifest
from zooscope.packing.modules import build_module
from zooscope.packing.packing import PackedModel, pack
from zooscope.packing.refusal import PackingError
from zooscope.packing.weights import load_weights

_FAILED = 1


def main(words: list[str] | None = None) -> int:
    """Pack one network; 0 when the files were written, 1 with the reason on stderr otherwise."""
    given = _parser().parse_args(words)
    try:
        packed = _pack(given)
    except ZooError as error:
        sys.stderr.write(f"zooscope: {error.detail} ({error.code})\n")
        sys.stderr.write(f"          {error.remedy}\n" if error.remedy else "")
        return _FAILED
    except (OSError, MemoryError) as error:
        sys.stderr.write(f"zooscope: this machine failed: {error!r} (internal)\n")
        sys.stderr.write("          check free space, memory and permissions, then try again\n")
        return _FAILED
    sys.stdout.write(_told(packed, given.json))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zooscope pack", description=__doc__)
    parser.add_argument("module", help="package.module:callable or file.py:callable")
    parser.add_argument(
        "--weights", type=Path, help="checkpoint; without it the module's own weights"
    )
    parser.add_argument("--manifest", type=Path, required=True, help="JSON: name, task, input, …")
    parser.add_argument("--out", type=Path, required=True, help="the pt2 file to write")
    parser.add_argument(
        "--arguments", default="{}", help="JSON object of arguments for the callable"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _pack(given: argparse.Namespace) -> PackedModel:
    manifest = _manifest(given.manifest)
    network = build_module(given.module, _object(given.arguments, "--arguments"))
    if given.weights is not None:
        load_weights(network, given.weights)
    return pack(network, manifest, given.out)


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise PackingError("invalid_manifest", f"{what} is not valid JSON: {error}", "check its quotes and commas") from error  # fmt: skip
    if not isinstance(found, dict):
        raise PackingError("invalid_manifest", f"{what} is not a JSON object", "write {…}")
    return found


def _manifest(path: Path) -> ModelManifest:
    """The manifest file, whose format is pt2 whatever it says."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackingError("invalid_manifest", f"{path} cannot be read: {error}", "give a text file in UTF-8") from error  # fmt: skip
    content = _object(text, str(path)) | {"format": "pt2"}
    content.pop("architecture", None)
    try:
        return ModelManifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise PackingError("invalid_manifest", f"{place}: {first['msg']}", f"correct {place} in {path.name}") from error  # fmt: skip


def _told(packed: PackedModel, as_json: object) -> str:
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
