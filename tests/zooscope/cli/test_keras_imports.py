"""Files of Keras are imported by name and from folders, with what they say about their images."""

from pathlib import Path

import pytest
import torch

from service.container import Zoo
from tests.zooscope.cli.offline import answers, offline
from tests.zooscope.cli.shells import Shell
from tests.zooscope.packing import keras_files
from workers.programs.exporting import example_images

__all__ = ["offline"]
pytestmark = [
    pytest.mark.slow,
    # Keras converts its variables by a call that NumPy wants spelled otherwise.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
torch.set_num_threads(1)


def test_a_file_of_keras_is_imported_by_name_and_from_a_folder(
    offline: Shell, zoo: Zoo, tmp_path: Path
):
    folder = tmp_path / "networks"
    folder.mkdir()
    network = keras_files.scaling()
    path = keras_files.saved(network, folder / "photos.keras")
    (folder / "old.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    (tmp_path / "names.txt").write_text("ash\nelm\noak\nfir\nyew\n")

    outcome = offline.json("import", "keras", str(path), "--classes", str(tmp_path / "names.txt"), "--no-wait")  # fmt: skip
    report = offline.run("import", "folder", str(folder), "--dry-run")

    model = outcome["model"]
    assert (model["name"], model["source"]) == ("photos", "keras: photos.keras")
    assert (model["input"]["range"], model["input"]["width"]) == ([0.0, 255.0], 24)
    assert (model["task"]["kind"], model["classes"][-1]) == ("classification", "yew")
    assert outcome["notes"] == ["the network takes values from 0 to 255 and scales them itself"]
    images = example_images(2, (3, 32, 24))
    expected = network(images.permute(0, 2, 3, 1), training=False).detach()
    torch.testing.assert_close(
        answers(zoo, outcome, images, tmp_path), expected, rtol=1e-4, atol=1e-5
    )
    for word in ("photos.keras", "planned", "old.h5", "save('old.keras')"):
        assert word in report.stdout.replace("\n", " ")
