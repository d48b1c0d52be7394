"""Networks are imported by name in one command, with a complete manifest, from warm caches and folders."""

import json
from pathlib import Path

import pytest
import torch

from service.container import Zoo
from tests.workers.programs.networks import Plain, images, made
from tests.zooscope.cli.library_caches import (
    CLASSES,
    COMMIT,
    timm_folder,
    warm_hub,
    warm_timm,
    warm_torchvision,
)
from tests.zooscope.cli.offline import answers, offline
from tests.zooscope.cli.shells import Shell
from tests.zooscope.packing.trainers import write_shards

__all__ = ["offline"]
pytestmark = pytest.mark.slow
torch.set_num_threads(1)
PREPARED = ("--size", "12", "--mean", "0.5", "--std", "0.25")
MODULE = ("--module", "tests.workers.programs.networks:Plain")


def test_a_network_of_timm_is_imported_by_name(offline: Shell, zoo: Zoo, tmp_path: Path):
    network = warm_timm(tmp_path / "hf", "resnet10t.c3_in1k")

    outcome = offline.json("import", "timm", "resnet10t", "--no-wait")

    model = outcome["model"]
    assert (model["name"], model["state"]) == ("resnet10t.c3_in1k", "uploaded")
    assert (model["source"], model["revision"]) == ("timm: resnet10t.c3_in1k", COMMIT)
    assert (model["trained_on"], model["task"]["kind"]) == ("ImageNet-1k", "classification")
    assert (model["input"]["height"], model["input"]["mean"]) == (176, [0.485, 0.456, 0.406])
    assert (len(model["classes"]), model["classes"][0]) == (1000, "tench, Tinca tinca")
    assert outcome["notes"] == ["took the default weights, resnet10t.c3_in1k"]
    batch = torch.randn(2, 3, 176, 176)
    torch.testing.assert_close(
        answers(zoo, outcome, batch, tmp_path), network(batch), rtol=1e-4, atol=1e-5
    )


def test_a_network_of_torchvision_is_imported_by_name(offline: Shell, zoo: Zoo, tmp_path: Path):
    network = warm_torchvision(tmp_path / "torch", "squeezenet1_1")

    outcome = offline.json(
        "import", "torchvision", "squeezenet1_1", "--no-wait", "--size", "64", "--license", "BSD-3-Clause"
    )  # fmt: skip

    model = outcome["model"]
    assert model["source"] == "torchvision: squeezenet1_1:IMAGENET1K_V1"
    assert (model["trained_on"], model["license"]) == ("ImageNet-1k", "BSD-3-Clause")
    assert (model["revision"], model["classes"][0]) == ("squeezenet1_1-b8a52dc0", "tench")
    batch = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(
        answers(zoo, outcome, batch, tmp_path), network(batch), rtol=1e-4, atol=1e-5
    )


def test_a_segmentation_network_has_one_output(offline: Shell, tmp_path: Path):
    warm_torchvision(tmp_path / "torch", "lraspp_mobilenet_v3_large")

    outcome = offline.json("import", "torchvision", "lraspp_mobilenet_v3_large", "--no-wait", "--size", "64")  # fmt: skip

    assert outcome["model"]["task"]["kind"] == "segmentation"
    assert len(outcome["model"]["classes"]) == 21
    assert len(outcome["notes"]) == 1


def test_a_repository_of_the_hub_is_imported_from_the_cache(offline: Shell, tmp_path: Path):
    card = "---\nlicense: apache-2.0\ndatasets:\n- savanna\n---\n# Animals\n"
    warm_hub(tmp_path / "hf", "zoo/animals", card=card)

    model = offline.json("import", "hf", "zoo/animals", "--no-wait", "--size", "64")["model"]

    assert (model["name"], model["source"]) == ("zoo/animals", "hf: zoo/animals")
    assert (model["revision"], model["license"]) == (COMMIT, "apache-2.0")
    assert (model["trained_on"], model["classes"]) == ("savanna", CLASSES)


def test_a_folder_of_timm_is_imported_with_its_classes(offline: Shell, zoo: Zoo, tmp_path: Path):
    network = timm_folder(tmp_path / "vit", name="vit_tiny_patch16_224", img_size=64)

    outcome = offline.json("import", "hf", str(tmp_path / "vit"), "--no-wait", "--tag", "mine")

    model = outcome["model"]
    assert (model["classes"], model["tags"], model["source"]) == (CLASSES, ["mine"], "folder: vit")
    assert model["revision"].startswith("sha256:")
    assert (model["input"]["height"], model["input"]["mean"]) == (64, [0.5, 0.5, 0.5])
    batch = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(
        answers(zoo, outcome, batch, tmp_path), network(batch), rtol=1e-4, atol=1e-5
    )


def test_a_checkpoint_is_imported_with_its_module(offline: Shell, zoo: Zoo, tmp_path: Path):
    network = made(Plain)
    state = network.state_dict()
    average = {name: tensor * 2 for name, tensor in state.items()}
    torch.save({"state_dict": state, "state_dict_ema": average}, tmp_path / "best.pth.tar")
    (tmp_path / "names.txt").write_text("ash\nelm\noak\nfir\nyew\n")
    words = ("import", "checkpoint", str(tmp_path / "best.pth.tar"), *MODULE, *PREPARED)

    outcome = offline.json(
        *words, "--classes", str(tmp_path / "names.txt"), "--task", "classification", "--no-wait"
    )

    model = outcome["model"]
    assert (model["name"], model["source"]) == ("best", "checkpoint: best.pth.tar")
    assert (model["input"]["mean"], model["classes"][-1]) == ([0.5, 0.5, 0.5], "yew")
    assert "state_dict (the trained weights, not their moving average)" in outcome["notes"][0]
    torch.testing.assert_close(
        answers(zoo, outcome, images(3), tmp_path), network(images(3)), rtol=1e-4, atol=1e-5
    )


def test_an_import_that_is_repeated_uploads_nothing(offline: Shell, tmp_path: Path):
    torch.save(made(Plain).state_dict(), tmp_path / "net.pth")
    words = ("import", "checkpoint", str(tmp_path / "net.pth"), *MODULE, *PREPARED, "--no-wait")
    first = offline.json(*words)

    second = offline.json(*words)
    other = offline.json(*words, "--std", "0.5")

    assert (second["state"], second["model"]["id"]) == ("present", first["model"]["id"])
    assert other["model"]["id"] != first["model"]["id"]


def test_a_dry_run_needs_no_zoo_and_loads_no_weights(offline: Shell):
    offline.environment["ZOO_URL"] = "http://127.0.0.1:9"

    outcome = offline.json("import", "timm", "resnet10t.c3_in1k", "--dry-run")

    assert (outcome["state"], outcome["model"]) == ("planned", None)
    assert outcome["manifest"]["input"]["height"] == 176


REFUSALS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "unknown to timm": (("timm", "resnet10x"), "unknown_network", "did you mean"),
    "no such tag": (("timm", "resnet10t.nope"), "no_published_weights", "c3_in1k"),
    "unknown to torchvision": (("torchvision", "squeezenet9"), "unknown_network", "squeezenet1_1"),
    "no such weights": (("torchvision", "squeezenet1_1:V9"), "no_published_weights", "IMAGENET1K_V1"),
    "a detector": (("torchvision", "fcos_resnet50_fpn"), "detection_not_supported", "backbone"),
    "not in the cache": (("hf", "zoo/nothing"), "not_on_the_hub", "HF_HOME"),
    "not a network": (("hf", "."), "not_a_network", "import checkpoint"),
    "no module": (("checkpoint", "net.pth"), "module_needed", "--module"),
    "no preparation": (("checkpoint", "net.pth", *MODULE), "preprocessing_unknown", "--size, --mean, --std"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_what_to_change(
    offline: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    words, code, remedy = REFUSALS[name]
    torch.save(made(Plain).state_dict(), tmp_path / "net.pth")
    monkeypatch.chdir(tmp_path)

    problem = offline.error("import", *words)

    assert problem["code"] == code
    assert remedy in problem["remedy"]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with one network of each kind, and files that are none."""
    root = tmp_path / "mixed"
    timm_folder(root / "hub")
    state = dict(made(Plain).state_dict())
    torch.save({"model": state}, root / "plain.pth")
    write_shards(root, state, stem="large")
    prepared = {
        "input": {"height": 12, "width": 12, "mean": [0.1], "std": [0.2]},
        "license": "MIT",
    }
    (root / "plain.manifest.json").write_text(json.dumps(prepared))
    (root / "net.onnx").write_bytes(b"\x08\x07\x12\x07pytorch" + bytes(20))
    (root / "README.md").write_text("networks")
    (root / "pointer.pth").write_text("version https://git-lfs.github.com/spec/v1\n")
    (root / ".hidden").write_text("x")
    return root


def test_a_folder_is_imported_with_a_report_and_resumes(offline: Shell, mixed: Path):
    words = ("import", "folder", str(mixed), *MODULE, *PREPARED, "--no-wait", "--json")

    first = offline.run(*words)
    second = offline.run(*words)

    assert first.returncode == second.returncode == 1
    rows = {row["title"]: row for row in json.loads(first.stdout)}
    assert {title: row["state"] for title, row in rows.items()} == {
        "hub": "uploaded", "plain.pth": "uploaded", "net.onnx": "failed",
        "large-00001-of-00002.safetensors": "uploaded", "pointer.pth": "skipped",
    }  # fmt: skip
    assert "plain text" in rows["pointer.pth"]["notes"]
    assert "git lfs pull" in rows["pointer.pth"]["notes"]
    assert rows["plain.pth"]["notes"].startswith("read plain.manifest.json")
    assert rows["net.onnx"]["error"]["code"] == "broken_onnx"
    assert "1 other files hold no network" in first.stderr
    assert "import_incomplete" in first.stderr
    again = {row["title"]: row["state"] for row in json.loads(second.stdout)}
    assert set(again.values()) == {"present", "failed", "skipped"}
    hub = offline.json("models", "show", rows["hub"]["id"])
    assert (hub["input"]["height"], hub["classes"]) == (176, CLASSES)
    plain = offline.json("models", "show", rows["plain.pth"]["id"])
    assert (plain["input"]["mean"], plain["license"]) == ([0.1, 0.1, 0.1], "MIT")


def test_a_folder_is_described_before_it_is_imported(offline: Shell, mixed: Path):
    (mixed / "net.onnx").unlink()

    table = offline.output("import", "folder", str(mixed), *MODULE, *PREPARED, "--dry-run")

    for word in ("hub folder", "checkpoint", "planned", "plain.pth"):
        assert word in table
    assert offline.json("models", "ls") == []


def test_a_packed_file_is_uploaded_as_it_is(offline: Shell, tmp_path: Path):
    from zooscope.packing import pack

    folder = tmp_path / "packed"
    folder.mkdir()
    manifest = {"name": "net", "input": {"height": 12, "width": 12, "mean": [0.5], "std": [0.5]}}
    packed = pack(made(Plain), manifest, folder / "net.pt2")

    (row,) = offline.json("import", "folder", str(folder), "--no-wait")

    assert (row["kind"], row["state"]) == ("packed", "uploaded")
    assert offline.json("models", "show", row["id"])["size_bytes"] == packed.file.stat().st_size
