"""The benchmark finds the unit that recognizes a concept, and counts what ran for it."""

import torch

from benchmarks.concept_search.images import ImageGroup
from benchmarks.concept_search.study import MeasuredZoo, outcome, tasks

CLASSES = tuple("abcdefghijkl")
PER_CLASS = 60


def zoo() -> MeasuredZoo:
    """Two networks that recognize classes, and one that says nothing about them."""
    generator = torch.Generator().manual_seed(0)
    groups = {"probes": 20, "animals": PER_CLASS}
    responses: dict[str, dict[str, torch.Tensor]] = {"broad": {}, "narrow": {}, "blind": {}}
    for group, count in groups.items():
        indicators = torch.eye(len(CLASSES)).repeat_interleave(count, dim=0)
        noise = 0.3 * torch.randn(*indicators.shape, generator=generator)
        responses["broad"][group] = indicators + noise
        responses["narrow"][group] = indicators[:, :2] + 0.1 * torch.randn(
            len(indicators), 2, generator=generator
        )
        responses["blind"][group] = torch.randn(len(indicators), 2, generator=generator)
    costs = {"broad": 3.0, "narrow": 1.0, "blind": 1.0}
    return MeasuredZoo(responses, {"broad": 2.0, "narrow": 1.0, "blind": 1.0}, costs)


def test_a_search_finds_the_unit_and_leaves_networks_that_do_not_matter() -> None:
    frames = torch.zeros(len(CLASSES) * PER_CLASS, 1, 1, 3, dtype=torch.uint8)
    names = tuple(name for name in CLASSES for _ in range(PER_CLASS))
    groups = [ImageGroup("probes", frames[:20]), ImageGroup("animals", frames, names)]

    drawn = list(tasks(groups, count=5, seed=0))
    measured = outcome(zoo(), drawn[0], references=1, check=1, neighbors=5)

    assert [task.concept for task in drawn] == [("animals", c) for c in CLASSES for _ in range(2)]
    assert measured["search"]["top1"] == measured["every network"]["top1"] == 1.0
    assert (measured["networks_run"], measured["time_share"]) == (2, 0.8)
    shown = {index for _, index in drawn[0].positives}
    assert not shown & {index for _, index in drawn[0].held_out}
