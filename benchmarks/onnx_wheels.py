"""Are the ONNX files read that ship inside wheels of PyPI?

``python -m benchmarks.onnx_wheels rapidocr-onnxruntime --size 48`` downloads the package, reads every ONNX file in
it as the zoo does, and compares the output on two images with onnxruntime's.
"""

import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch

from benchmarks.onnx_sweep import distance, runtime_output
from workers.programs import ProgramFailedError, ProgramRefusedError, read_program
from workers.programs.exporting import example_images
from workers.programs.onnx import convert_onnx

IMAGES = 2


def main() -> None:
    """Download a package, and read every ONNX file in its wheel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package")
    parser.add_argument(
        "--size", type=int, default=96, help="height and width that files leave free"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "-d", folder, options.package],
            check=True,
        )  # fmt: skip
        for wheel in Path(folder).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if name.endswith(".onnx"):
                        print(_row(Path(archive.extract(name, folder)), options.size), flush=True)


def _row(path: Path, size: int) -> str:
    """What becomes of one file."""
    try:
        convert_onnx(path, (3, size, size), path.with_suffix(".pt2"))
        program = read_program(path.with_suffix(".pt2"))
        images = example_images(IMAGES, program.input_shape)
        deviation = distance(program(images), runtime_output(path, images))
    except (ProgramRefusedError, ProgramFailedError) as error:
        return f"{path.name}: {error.code}: {error.detail}"
    layers = len(program.layers)
    return (
        f"{path.name}: {program.input_shape}, {layers} layers, output deviates by {deviation:.1e}"
    )


if __name__ == "__main__":
    main()
