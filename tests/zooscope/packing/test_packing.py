"""A user's module and checkpoint become an upload, or the user learns what to change."""

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.waiting import HANG_SECONDS
from tests.workers.programs.networks import Plain, images, made
from workers.programs import ProgramRefusedError, read_program
from zooscope.packing import PackingError, load_weights, pack
from zooscope.packing.__main__ import main

pytestmark = pytest.mark.slow

torch.set_num_threads(1)
MANIFEST = {"name": "net", "input": {"channels": 3, "height": 12, "width": 12}}
ROOT = Path(__file__).resolve().parents[3]


def trained() -> nn.Module:
    return made(Plain)


def test_a_packed_network_answers_like_its_module(tmp_path):
    packed = pack(trained(), MANIFEST, tmp_path / "net.pt2")

    torch.testing.assert_close(
        read_program(packed.file)(images(3)), trained()(images(3)), rtol=1e-5, atol=1e-6
    )
    assert packed.deviation <= 1e-5
    assert json.loads(packed.manifest_file.read_text())["format"] == "pt2"


def test_packing_leaves_the_module_as_it_was(tmp_path):
    network = trained().double().train()

    pack(network, MANIFEST, tmp_path / "net.pt2")

    assert network.training
    assert {weight.dtype for weight in network.parameters()} == {torch.float64}


def prefixed(state: dict[str, Tensor], prefix: str) -> OrderedDict[str, Tensor]:
    return OrderedDict((prefix + name, tensor) for name, tensor in state.items())


WRAPPINGS = {
    "plain": lambda s: s,
    "module.": lambda s: prefixed(s, "module."),
    "module.net.": lambda s: prefixed(s, "module.net."),
    "under state_dict": lambda s: {"epoch": 3, "state_dict": prefixed(s, "module."), "best": 0.9},
    "under model": lambda s: {"model": s, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}},
    "in a list": lambda s: {"state_dict": [s], "err": 0.1},
    "list alone": lambda s: [s],
    "half": lambda s: {n: t.half() if t.is_floating_point() else t for n, t in s.items()},
    "with profiler counts": lambda s: s | {"total_ops": torch.ones(1), "conv.total_params": torch.ones(1)},
    "without batch counts": lambda s: {n: t for n, t in s.items() if "num_batches" not in n},
    "with the optimiser's tensors": lambda s: {"net": s, "optimizer": {"state": {0: {"momentum": torch.ones(3)}}}},
}  # fmt: skip


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", WRAPPINGS)
def test_checkpoints_are_read_however_they_were_saved(tmp_path, name, legacy):
    path = tmp_path / "weights.pth"
    state = dict(trained().state_dict())
    torch.save(WRAPPINGS[name](state), path, _use_new_zipfile_serialization=not legacy)
    network = Plain().eval()

    load_weights(network, path)

    tolerance = 1e-2 if name == "half" else 0
    torch.testing.assert_close(
        network(images(2)), trained()(images(2)), rtol=tolerance, atol=tolerance
    )


def test_tensors_that_were_saved_on_a_gpu_are_read(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(trained().state_dict(), path, _use_new_zipfile_serialization=False)
    tagged = path.read_bytes().replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    assert tagged != path.read_bytes()
    path.write_bytes(tagged)
    network = Plain().eval()

    load_weights(network, path)

    torch.testing.assert_close(network(images(2)), trained()(images(2)))


class Evil:
    def __reduce__(self):
        return print, ("this must not be printed",)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"model": Evil()}, "unsafe_checkpoint"),
        ({"epoch": 3}, "no_weights_found"),
        ({"conv.weight": torch.ones(1)}, "weights_do_not_fit"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_says_why(tmp_path, capsys, content, code):
    torch.save(content, tmp_path / "weights.pth")

    with pytest.raises(PackingError) as caught:
        load_weights(Plain(), tmp_path / "weights.pth")

    assert caught.value.code == code
    assert caught.value.remedy
    assert "must not" not in capsys.readouterr().out


def test_a_wrong_number_of_classes_names_both_shapes(tmp_path):
    state = trained().state_dict() | {"head.weight": torch.ones(9, 8), "head.bias": torch.ones(9)}
    torch.save(state, tmp_path / "weights.pth")

    with pytest.raises(
        PackingError, match=r"head\.weight: \[9, 8\] in the file, \[5, 8\]"
    ) as caught:
        load_weights(Plain(), tmp_path / "weights.pth")

    assert "number of classes" in caught.value.remedy


class Branching(nn.Module):
    def forward(self, batch: Tensor) -> Tensor:
        return batch.flatten(1) if batch.sum() > 0 else -batch.flatten(1)


class Noisy(nn.Module):
    def forward(self, batch: Tensor) -> Tensor:
        return (batch + torch.randn(3, 12, 12)).flatten(1)


@pytest.mark.parametrize(
    ("kind", "code"), [(Branching, "does_not_export"), (Noisy, "operator_not_allowed")]
)
def test_a_network_that_cannot_travel_is_refused_with_a_remedy(tmp_path, kind, code):
    with pytest.raises(ProgramRefusedError) as caught:
        pack(kind(), MANIFEST, tmp_path / "net.pt2")

    assert caught.value.code == code
    assert caught.value.remedy


class Detector(nn.Module):
    """Returns a different number of boxes for each image."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Conv2d(3, 4, 3)

    def forward(self, images: Tensor) -> list[dict[str, Tensor]]:
        maps = self.backbone(images)
        return [{"boxes": scores[scores > 0]} for scores in maps]


def test_a_detection_network_is_refused_with_the_part_that_can_be_used(tmp_path):
    with pytest.raises(PackingError) as caught:
        pack(Detector(), {**MANIFEST, "task": "detection"}, tmp_path / "net.pt2")

    assert caught.value.code == "detection_not_supported"
    assert "backbone" in (caught.value.remedy or "")


class TwoHeads(nn.Module):
    """Class scores of a main and of an auxiliary head."""

    def __init__(self) -> None:
        super().__init__()
        self.main, self.aux = made(Plain), made(Plain)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"aux": self.aux(images), "main": self.main(images)}


def test_of_two_heads_the_manifest_names_the_output_that_counts(tmp_path):
    named = pack(TwoHeads(), {**MANIFEST, "output": "main"}, tmp_path / "net.pt2")

    assert [output.name for output in named.program.outputs] == ["main"]
    assert json.loads(named.manifest_file.read_text())["output"] == "main"
    with pytest.raises(ProgramRefusedError, match="aux") as caught:
        pack(TwoHeads(), MANIFEST, tmp_path / "other.pt2")
    assert caught.value.code == "several_outputs"


def test_a_network_that_insists_on_one_image_gets_a_fixed_batch(tmp_path):
    class Single(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(432, 4)

        def forward(self, batch: Tensor) -> Tensor:
            return self.head(batch.reshape(1, 432))

    network = Single()

    packed = pack(network, MANIFEST, tmp_path / "net.pt2")

    assert packed.program.batch == 1
    expected = torch.cat([network(image[None]) for image in images(5)])
    torch.testing.assert_close(packed.program(images(5)), expected, rtol=1e-5, atol=1e-6)


USER_FILE = """
from torch import nn

def build(classes=5):
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, classes))
"""


@pytest.fixture
def user_folder(tmp_path) -> Path:
    (tmp_path / "mynet.py").write_text(USER_FILE)
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 7))
    torch.save({"state_dict": prefixed(network.state_dict(), "module.")}, tmp_path / "w.pth")
    return tmp_path


def test_the_command_packs_a_file_of_the_user(user_folder):
    done = subprocess.run(
        [sys.executable, "-m", "zooscope.packing", str(user_folder / "mynet.py:build"),
         "--arguments", '{"classes": 7}', "--weights", str(user_folder / "w.pth"),
         "--manifest", str(user_folder / "manifest.json"), "--out", str(user_folder / "m.pt2"), "--json"],
        capture_output=True, text=True, cwd=ROOT, check=False, timeout=HANG_SECONDS,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["parameters"] == 4 * 27 + 4 + 400 * 7 + 7
    assert read_program(user_folder / "m.pt2").output_shape == (7,)


BROKEN_FILES = {
    "missing.py": "import nothing_of_this_name",
    "exits.py": "raise SystemExit(3)",
    "divides.py": "1 / 0",
    "unparsable.py": "def build(:",
    "raises.py": "def build():\n    raise RuntimeError('no')",
    "empty.json": "{}",
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"module": "mynet.py"}, "module_not_found"),
        ({"module": "nowhere.py:build"}, "module_not_found"),
        ({"module": "mynet.py:nothing"}, "module_not_found"),
        ({"module": "mynet.py:nn"}, "not_a_module"),
        ({"arguments": "{"}, "invalid_manifest"),
        ({"arguments": '{"colour": 1}'}, "module_call_failed"),
        ({"module": "nowhere:build"}, "module_not_found"),
        ({"module": "nowhere.deeper:build"}, "module_not_found"),
        ({"module": "missing.py:build"}, "module_import_failed"),
        ({"module": "missing:build"}, "module_import_failed"),
        ({"module": "exits.py:build"}, "module_import_failed"),
        ({"module": "divides.py:build"}, "module_import_failed"),
        ({"module": "unparsable.py:build"}, "module_import_failed"),
        ({"module": "raises.py:build", "arguments": "{}"}, "module_call_failed"),
        ({"weights": "damaged.safetensors"}, "not_a_checkpoint"),
        ({"manifest": "latin.json"}, "invalid_manifest"),
        ({"out": "nowhere/out.pt2"}, "not_writable"),
        ({"weights": "none.pth"}, "not_a_checkpoint"),
        ({"weights": "mynet.py"}, "not_a_checkpoint"),
        ({"manifest": "none.json"}, "invalid_manifest"),
        ({"manifest": "empty.json"}, "invalid_manifest"),
    ],
)
def test_the_command_says_what_to_change(user_folder, monkeypatch, capsys, change, words):
    monkeypatch.chdir(user_folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name, text in BROKEN_FILES.items():
        (user_folder / name).write_text(text)
    (user_folder / "latin.json").write_bytes('{"name": "Bäume"}'.encode("latin-1"))
    header = b'{"w":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'
    damaged = len(header).to_bytes(8, "little") + header + b"short"
    (user_folder / "damaged.safetensors").write_bytes(damaged)
    options = {"module": "mynet.py:build", "arguments": '{"classes": 7}', "weights": "w.pth",
             "manifest": "manifest.json", "out": "out.pt2"} | change  # fmt: skip

    code = main(
        [options["module"], "--arguments", options["arguments"], "--weights", options["weights"],
         "--manifest", options["manifest"], "--out", options["out"]]
    )  # fmt: skip

    stderr = capsys.readouterr().err
    assert code == 1
    assert f"({words})\n          " in stderr
    assert stderr.count("\n") == 2


def test_a_manifest_that_is_not_there_is_missing_and_not_badly_encoded(
    user_folder, monkeypatch, capsys
):
    monkeypatch.chdir(user_folder)

    code = main(["mynet.py:build", "--manifest", "none.json", "--out", "out.pt2"])

    assert code == 1
    assert capsys.readouterr().err.splitlines() == [
        "zooscope: none.json cannot be read: No such file or directory (invalid_manifest)",
        "          check the path",
    ]


class Uncopyable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def test_a_network_that_cannot_be_copied_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(PackingError) as caught:
        pack(Uncopyable(), MANIFEST, tmp_path / "net.pt2")

    assert caught.value.code == "not_copyable"
    assert caught.value.remedy


LIBRARY_FILES = {
    "timm": "import timm\n\ndef build():\n    return timm.create_model('resnet10t', num_classes=4)\n",
    "torchvision": "from torchvision import models\n\ndef build():\n    return models.resnet18(num_classes=4)\n",
}


@pytest.mark.parametrize("library", LIBRARY_FILES)
def test_the_command_packs_a_file_that_imports_a_library(user_folder, library):
    (user_folder / "listed.py").write_text(LIBRARY_FILES[library])

    done = subprocess.run(
        [sys.executable, "-m", "zooscope.cli.main", "pack", "listed.py:build", "--json",
         "--manifest", "manifest.json", "--out", "listed.pt2"],
        capture_output=True, text=True, cwd=user_folder, check=False, timeout=HANG_SECONDS,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["deviation"] <= 1e-5


def test_the_command_reports_a_broken_import_without_a_traceback(user_folder):
    (user_folder / "broken.py").write_text("import timm\n\ntimm.no_such_function()\n")

    done = subprocess.run(
        [sys.executable, "-m", "zooscope.cli.main", "pack", "broken.py:build",
         "--manifest", "manifest.json", "--out", "listed.pt2"],
        capture_output=True, text=True, cwd=user_folder, check=False, timeout=HANG_SECONDS,
    )  # fmt: skip

    assert done.returncode == 1
    assert "broken.py, line 3) (module_import_failed)" in done.stderr
    assert "Traceback" not in done.stderr
