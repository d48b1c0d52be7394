"""Networks of transformers in a folder as the hub serves it: classifiers, segmentation, backbones."""

import json
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from workers import torchvision_operators
from zooscope.packing.refusal import PackingError
from zooscope.packing.sources import library_bars
from zooscope.packing.sources.details import Details, line
from zooscope.packing.sources.hub_files import card_fields, folder_revision
from zooscope.packing.sources.network import ImportableNetwork, LoadedNetwork
from zooscope.packing.user_code import running

# The last words of the class in config.json: the task, and the output that counts.
_KINDS = (
    ("ForImageClassification", "classification", "logits"),
    ("ForImageClassificationWithTeacher", "classification", "logits"),
    ("ForSemanticSegmentation", "segmentation", "logits"),
    ("Backbone", "embedding", "feature_maps"),
    ("Model", "embedding", "last_hidden_state"),
)
_DETECTION = ("ForObjectDetection", "ForInstanceSegmentation", "ForUniversalSegmentation")
_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
_UNNAMED = re.compile(r"LABEL_\d+")
_LONGEST_RANGE = 2.0


class NamedOutput(nn.Module):
    """A network of transformers that takes images and returns one of its outputs."""

    def __init__(self, network: nn.Module, output: str) -> None:
        super().__init__()
        self.network = network
        self._output = output

    def forward(self, images: Tensor) -> Tensor:
        """The output; the last one where it is a list of maps."""
        answer = self.network(pixel_values=images)[self._output]
        return answer if isinstance(answer, Tensor) else answer[-1]


def is_folder(folder: Path) -> bool:
    """Whether the folder has the configuration of a network of transformers."""
    return "model_type" in _json(folder / "config.json")


def of_folder(folder: Path, details: Details) -> ImportableNetwork:
    """The network in a folder of ``save_pretrained``.

    Raises:
        PackingError: ``library_missing`` or ``unsupported_network``.
    """
    if find_spec("transformers") is None:
        raise PackingError("library_missing", f"{folder} is a network of transformers, which is not installed", "pip install 'zooscope[pack]'")  # fmt: skip
    torchvision_operators.install()
    import transformers

    library_bars.silence_transformers()
    config = _json(folder / "config.json")
    kind, task, output = _kind_of(config, folder)

    def load() -> LoadedNetwork:
        with running("weights_not_loaded", f"transformers cannot load {folder}", "download the folder again"):  # fmt: skip
            network, report = kind.from_pretrained(str(folder), output_loading_info=True)
        _refuse_untrained(report, folder)
        return LoadedNetwork(NamedOutput(network, output), folder_revision(folder))

    fields: dict[str, Any] = {"name": line(folder.resolve().name), "task": task}
    with running("not_a_network", f"transformers cannot read {folder}/config.json", "save it again"):  # fmt: skip
        named = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    classes = _class_names(named) if task != "embedding" else None
    if classes is not None:
        fields["classes"] = classes
    fields["input"] = _input(folder, config, details)
    return ImportableNetwork(str(folder), fields | card_fields(folder), load)


def _kind_of(config: Mapping[str, Any], folder: Path) -> tuple[Any, str, str]:
    """The class of the library that wrote the folder, its task and its output."""
    import transformers

    names = config.get("architectures") or [""]
    kind = getattr(transformers, names[0], None)
    for ending, task, output in _KINDS:
        if kind is not None and names[0].endswith(ending):
            return kind, task, output
    if names[0].endswith(_DETECTION):
        raise PackingError(
            "detection_not_supported",
            f"{folder} holds {names[0]}, a detection network: it returns boxes, which no method compares",
            "use the network without its heads: save its backbone (AutoBackbone or AutoModel) as a "
            "folder of its own",
        )
    raise PackingError(
        "unsupported_network",
        f"{folder} holds {names[0] or 'a network of unknown kind'}, which does not map images to scores, "
        "classes of pixels or features",
        "save the part that does, such as its vision model, as a folder of its own",
    )


def _refuse_untrained(report: Mapping[str, Any], folder: Path) -> None:
    """Raises PackingError if the loader filled weights that the folder lacks with random numbers."""
    missing = sorted(map(str, report.get("missing_keys") or ()))
    missing += sorted(str(key) for key in report.get("mismatched_keys") or ())
    if missing:
        raise PackingError(
            "weights_do_not_fit",
            f"{folder} lacks weights of its network: {', '.join(missing[:4])}",
            "train and save the network that config.json names, or correct its `architectures`",
        )


def _class_names(config: Any) -> tuple[str, ...] | None:
    """The class names by output; None where the library made them up."""
    names = [line(name) for _, name in sorted(config.id2label.items())]
    return None if all(_UNNAMED.fullmatch(name) for name in names) else tuple(names)


def _input(folder: Path, config: Mapping[str, Any], details: Details) -> dict[str, Any]:
    """How the processor of the folder prepares images; without one, only what the network states."""
    spec: dict[str, Any] = {"channels": config.get("num_channels", 3)}
    size = config.get("image_size")
    if any((folder / name).is_file() for name in _PROCESSORS):
        from transformers import AutoImageProcessor

        with running("preprocessing_unknown", f"the processor in {folder} cannot be read", "say it with --size, --mean and --std"):  # fmt: skip
            facts = AutoImageProcessor.from_pretrained(folder, trust_remote_code=False).to_dict()
        spec |= _normalization(facts)
        size = _size(facts) or size
    height, width = details.size or _pair(size)
    return spec | ({"height": height, "width": width} if height else {})


def _normalization(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Range, mean, std and order of channels, as our manifests state them."""
    spec: dict[str, Any] = {}
    if not facts.get("do_normalize", True):
        spec = {"mean": (0.0,), "std": (1.0,)}
    elif facts.get("image_mean") is not None and facts.get("image_std") is not None:
        spec = {"mean": tuple(facts["image_mean"]), "std": tuple(facts["image_std"])}
    scale = (
        255.0 * facts.get("rescale_factor", 1 / 255) if facts.get("do_rescale", True) else 255.0
    )
    low = -1.0 if facts.get("rescale_offset") and abs(scale - _LONGEST_RANGE) < 0.1 else 0.0  # noqa: PLR2004 - 255/127.5
    if (low, scale) != (0.0, 1.0):
        spec["range"] = (low, low + scale)
    if facts.get("do_flip_channel_order"):
        spec["channel_order"] = "BGR"
    return spec


def _size(facts: Mapping[str, Any]) -> Any:
    """The size of the square or rectangle that the processor hands to the network; None if unknown."""
    size = facts.get("size")
    if facts.get("do_center_crop") and facts.get("crop_size"):
        size = facts["crop_size"]
    if isinstance(size, Mapping):
        side = size.get("shortest_edge")
        return (size["height"], size["width"]) if size.get("height") else side
    return size


def _pair(size: Any) -> tuple[int, int]:
    """Height and width of a size; zeros if it is unknown."""
    if isinstance(size, int):
        return size, size
    return (int(size[0]), int(size[1])) if isinstance(size, list | tuple) else (0, 0)


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
