"""A layer whose features are far larger than the memory allowed is compared within it."""

import json
import subprocess
import sys

from tests.waiting import HANG_SECONDS

MEBIBYTE = 2**20
PROBES, CHANNELS, SIDE, ALLOWED = 64, 32, 136, 32

_PROGRAM = f"""
import json, resource
import torch
from torch import nn
from service.core.catalog.layer_selection import LayerSelectionParams
from workers.torchkit.protocols import silent
from workers.methods import layer_selection
from workers.methods.layer_selection import LayerSelectionData, Side
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.attribution.module_reader import ModuleReader

torch.set_num_threads(1)
torch.manual_seed(0)
wide = nn.Sequential(nn.Conv2d(3, {CHANNELS}, 3, padding=1), nn.ReLU(),
                     nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear({CHANNELS} * 16, 4))
plain = Preprocessing(channels=3, height={SIDE}, width={SIDE}, mean=(0.5,) * 3)
side = Side(ModuleReader(wide, "3", input_shape=(3, {SIDE}, {SIDE})), plain)
probes = torch.randint(0, 256, ({PROBES}, {SIDE}, {SIDE}, 3)).to(torch.uint8)

def peak(count, memory):
    inputs = LayerSelectionData(side, ("1", "2"), side, "output", probes[:count], memory)
    result = layer_selection.run(inputs, LayerSelectionParams(replicates=20), silent)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return result, used

_, warm = peak(2, {ALLOWED * MEBIBYTE})
result, after = peak({PROBES}, {ALLOWED * MEBIBYTE})
print(json.dumps({{"grown": after - warm, "remade": result.remade,
                  "edges": [item.edge_similarity for item in result.items]}}))
"""


def test_the_peak_grows_with_the_memory_allowed_and_not_with_the_features() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    features = 4 * PROBES * CHANNELS * SIDE * SIDE
    assert features > 4 * ALLOWED * MEBIBYTE
    assert result["remade"] == ["1"]
    assert all(edge is not None for edge in result["edges"])
    assert result["grown"] < 1.5 * ALLOWED * MEBIBYTE
