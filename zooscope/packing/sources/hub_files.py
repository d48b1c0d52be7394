"""Files of the Hugging Face hub, in a folder or through the library's cache."""

from pathlib import Path
from typing import Any

from workers import torchvision_operators
from zooscope.packing.refusal import PackingError
from zooscope.packing.sources import library_bars
from zooscope.packing.sources.details import line
from zooscope.packing.sources.network import revision_of
from zooscope.packing.user_code import running

_DESCRIPTIONS = ("*.json", "README.md")
_WEIGHTS = (("model*.safetensors",), ("pytorch_model*.bin",))
_LOADABLE = (
    "check the name and the network connection, or fill the cache first (HF_HOME) and set "
    "HF_HUB_OFFLINE=1"
)
_CACHED = ("model.safetensors", "pytorch_model.bin", "open_clip_model.safetensors",
           "open_clip_pytorch_model.bin", "config.json")  # fmt: skip
_WEIGHT_ENDINGS = (".safetensors", ".bin", ".pth")


def descriptions(repository: str, revision: str | None) -> Path:
    """A folder of the cache with the repository's descriptions, without its weights.

    Raises:
        PackingError: ``not_on_the_hub``.
    """
    return _snapshot(repository, revision, _DESCRIPTIONS)


def with_weights(repository: str, revision: str | None) -> Path:
    """The same folder with the weights, as safetensors if the repository has them.

    Raises:
        PackingError: ``not_on_the_hub`` or ``no_weights_found``.
    """
    for patterns in _WEIGHTS:
        folder = _snapshot(repository, revision, (*_DESCRIPTIONS, *patterns))
        if weight_files(folder):
            return folder
    raise PackingError(
        "no_weights_found",
        f"{repository} has neither model.safetensors nor pytorch_model.bin",
        "use a repository with weights of PyTorch",
    )


def _snapshot(repository: str, revision: str | None, patterns: tuple[str, ...]) -> Path:
    torchvision_operators.install()
    from huggingface_hub import snapshot_download

    library_bars.on_terminal()
    with running("not_on_the_hub", f"{repository} cannot be fetched", _LOADABLE):
        return Path(
            snapshot_download(repository, revision=revision, allow_patterns=list(patterns))
        )


def cached_revision(repository: str) -> str:
    """The commit of a repository in the cache; empty if it is not there."""
    from huggingface_hub import try_to_load_from_cache

    repository, _, revision = repository.partition("@")
    for name in _CACHED:
        path = try_to_load_from_cache(repository, name, revision=revision or None)
        if isinstance(path, str):
            return Path(path).parent.name
    return ""


def folder_revision(folder: Path) -> str:
    """The commit of a folder inside of the cache; of any other folder, a hash of its weights."""
    if folder.parent.name == "snapshots":
        return folder.name
    return revision_of(weight_files(folder))


def weight_files(folder: Path) -> list[Path]:
    """The weights in a folder, sorted."""
    return sorted(path for path in folder.iterdir() if path.name.endswith(_WEIGHT_ENDINGS))


def card_fields(folder: Path) -> dict[str, Any]:
    """License and data sets in the model card of a folder; empty without one."""
    card = folder / "README.md"
    if not card.is_file():
        return {}
    from huggingface_hub import ModelCard

    with running("invalid_card", f"{card} cannot be read", "correct the block between --- lines"):
        data = ModelCard.load(card).data
    datasets = data.datasets or []
    listed = [datasets] if isinstance(datasets, str) else datasets
    fields = {"license": line(data.license or ""), "trained_on": ", ".join(map(str, listed))}
    return {name: value for name, value in fields.items() if value}
