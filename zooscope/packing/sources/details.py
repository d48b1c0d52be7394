"""What the user says about a network, and the manifest that it makes together with the origin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service.core.manifest import ModelManifest
from zooscope.packing.refusal import PackingError

_LONGEST_LINE = 200
_NEEDED = {"size": "--size", "mean": "--mean", "std": "--std"}


@dataclass(frozen=True)
class Details:
    """The options of an import; None and empty ones are not given.

    Attributes:
        fields: Fields of the manifest: name, license, trained_on, task, output, classes.
        size: Height and width of the input.
        mean: For each channel, or one for all.
        std: For each channel, or one for all.
        tags: Added to those of the origin.
        module: ``package.module:callable`` that builds the network of a checkpoint.
        arguments: Arguments of that callable.
        weights_key: Key of the weights in a checkpoint.
        manifest: Manifest file of a checkpoint.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    tags: tuple[str, ...] = ()
    module: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    weights_key: str | None = None
    manifest: Path | None = None

    def over(self, stated: Mapping[str, Any]) -> ModelManifest:
        """The manifest of a network; the user's word counts more than the origin's.

        Raises:
            PackingError: ``preprocessing_unknown``, if neither says how the input is prepared; or
                ``invalid_manifest``.
        """
        spec = dict(stated.get("input") or {}) | self._input()
        return _manifest(dict(stated) | dict(self.fields), spec, self.tags)

    def under(self, stated: Mapping[str, Any]) -> ModelManifest:
        """The manifest of one of many networks; the user only adds what its origin does not say."""
        spec = self._input() | dict(stated.get("input") or {})
        fields = {
            name: value for name, value in stated.items() if value is not None and value != ""
        }
        return _manifest(dict(self.fields) | fields, spec, self.tags)

    def _input(self) -> dict[str, Any]:
        options = {"mean": self.mean, "std": self.std}
        spec: dict[str, Any] = {
            name: value for name, value in options.items() if value is not None
        }
        if self.size is not None:
            spec["height"], spec["width"] = self.size
        return spec


def _manifest(
    fields: dict[str, Any], spec: dict[str, Any], tags: tuple[str, ...]
) -> ModelManifest:
    """The manifest with all its fields, checked."""
    stated = {"size" if name in {"height", "width"} else name for name in spec}
    missing = [option for name, option in _NEEDED.items() if name not in stated]
    if missing:
        raise PackingError(
            "preprocessing_unknown",
            f"nothing states how {fields.get('name', 'the network')} expects its input prepared",
            f"say it with {', '.join(missing)} (as in its training)",
        )
    content = {"format": "pt2", **fields, "input": spec, "tags": [*fields.get("tags", ()), *tags]}
    if content["format"] == "pt2":
        content.pop("architecture", None)
    try:
        return ModelManifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise PackingError("invalid_manifest", f"{where}: {first['msg']}", f"correct {where}") from error  # fmt: skip


def line(text: object) -> str:
    """A text as one line of a manifest, cut where it is too long."""
    words = " ".join(str(text).split())
    return words if len(words) <= _LONGEST_LINE else words[: _LONGEST_LINE - 1] + "…"
