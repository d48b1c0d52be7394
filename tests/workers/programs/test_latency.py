"""The measured time of one image."""

import torch
from torch import nn

from workers.programs import latency
from workers.programs.exporting import export_network


def test_a_network_with_more_work_takes_longer(tmp_path):
    light = export_network(nn.Conv2d(3, 4, 3), (3, 16, 16), tmp_path / "light.pt2")
    heavy = export_network(
        nn.Sequential(nn.Conv2d(3, 64, 7), nn.Conv2d(64, 256, 7)),
        (3, 128, 128),
        tmp_path / "h.pt2",
    )

    assert 0 < latency.latency_ms(light) < latency.latency_ms(heavy)


def test_slow_networks_run_twice_only(tmp_path, monkeypatch):
    program = export_network(nn.Conv2d(3, 4, 3), (3, 16, 16), tmp_path / "light.pt2")
    runs: list[torch.Size] = []
    read = program.read

    def counted(images, layers):
        runs.append(images.shape)
        return read(images, layers)

    monkeypatch.setattr(latency, "_MOST_SECONDS", 0.0)
    monkeypatch.setattr(program, "read", counted)
    latency.latency_ms(program)

    assert runs == [(1, 3, 16, 16)] * 2
