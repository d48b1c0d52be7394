"""An interrupted training ends as an uninterrupted one, to the last bit."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from service.core.catalog.training import TrainingConfig
from workers.torchkit.protocols import Checkpoint, RecordingReporter
from workers.torchkit.training import loop
from workers.torchkit.training.accelerators import (
    arithmetic_on,
    mixed_precision,
    set_memory_format,
)
from workers.torchkit.training.loop import (
    BudgetTooShortError,
    DivergedError,
    OptimizerGroup,
    Training,
    TrainingStage,
    cosine,
    drops,
    train,
    warm_cosine,
)


class PairStep:
    """Two networks: in the first stage both learn in turn, in the second one of them alone."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        networks = {"one": nn.Linear(3, 2), "other": nn.Linear(2, 3)}
        generator = torch.Generator().manual_seed(1)
        memory = {"pool": torch.zeros(4, 3)}
        self.training = Training(networks, generator, memory)
        self.kinds: set[torch.dtype] = set()

    def stages(self) -> list[TrainingStage]:
        return [TrainingStage("both", 2.0, self._both), TrainingStage("alone", 1.0, self._alone)]

    def _optimizer_group(self, name: str, kind: type[torch.optim.Optimizer]) -> OptimizerGroup:
        return OptimizerGroup(kind(self.training.networks[name].parameters(), lr=0.1), 0.1)  # type: ignore[call-arg]

    def _both(self) -> tuple[Mapping[str, OptimizerGroup], Callable[[], dict[str, Tensor]]]:
        optimizer_groups = {
            "one": self._optimizer_group("one", torch.optim.AdamW),
            "other": self._optimizer_group("other", torch.optim.SGD),
        }
        return optimizer_groups, self._turn_of_both

    def _alone(self) -> tuple[Mapping[str, OptimizerGroup], Callable[[], dict[str, Tensor]]]:
        return {"one": self._optimizer_group("one", torch.optim.Adam)}, self._turn_of_one

    def _turn_of_both(self) -> dict[str, Tensor]:
        drawn = torch.randn(5, 3, generator=self.training.generator)
        first = self._learned("one", self._answer(drawn).square().mean())
        self.training.memory["pool"] = self._answer(drawn)[:4].detach().float()
        second = self._learned("other", (self._answer(drawn) - drawn).square().mean())
        return {"first": first, "second": second}

    def _turn_of_one(self) -> dict[str, Tensor]:
        pool = self.training.memory["pool"]
        return {"first": self._learned("one", (self._answer(pool) - 1).square().mean())}

    def _answer(self, images: Tensor) -> Tensor:
        first, second = self.training.networks["one"], self.training.networks["other"]
        outputs: Tensor = second(first(images))
        self.kinds.add(outputs.dtype)
        return outputs

    def _learned(self, group: str, loss: Tensor) -> Tensor:
        return self.training.learn(group, loss)


def config(**changes: object) -> TrainingConfig:
    quick = {"budget": {"steps": 12}, "num_evaluations": 3, "checkpoint_interval_seconds": 0.0}
    return TrainingConfig.model_validate({**quick, **changes})


def played(reporter: RecordingReporter, settings: TrainingConfig, **options: object) -> PairStep:
    game = PairStep()
    train(
        game.training,
        settings,
        game.stages(),
        evaluate=lambda: {"quality": 0.5},
        pictures=dict,
        report=reporter,
        **options,  # type: ignore[arg-type]
    )
    return game


@pytest.fixture(scope="module")
def whole() -> tuple[RecordingReporter, PairStep]:
    reporter = RecordingReporter()
    return reporter, played(reporter, config())


@pytest.mark.parametrize("index", [2, 7, 8, 10])
def test_resumed_in_any_stage_it_ends_with_the_same_bits(
    whole: tuple[RecordingReporter, PairStep], index: int
) -> None:
    reporter, expected = whole

    rest = RecordingReporter(start=reporter.checkpoints[index])
    resumed = played(rest, config())

    assert len(rest.checkpoints) == 12 - (index + 1)
    assert resumed.training.history == expected.training.history
    for name, network in expected.training.networks.items():
        for key, value in network.state_dict().items():
            actual = resumed.training.networks[name].state_dict()[key]
            torch.testing.assert_close(actual, value, rtol=0, atol=0)


def test_memory_survives(whole: tuple[RecordingReporter, PairStep]) -> None:
    reporter, _ = whole

    resumed = played(RecordingReporter(start=reporter.checkpoints[7]), config())

    assert resumed.training.memory["pool"].abs().sum() > 0
    torch.testing.assert_close(
        resumed.training.memory["pool"],
        reporter.checkpoints[7].tensors["memory.pool"],
        rtol=0,
        atol=0,
    )


def test_quality_is_reported_as_often_as_configured_and_no_stage_is_empty(
    whole: tuple[RecordingReporter, PairStep],
) -> None:
    reporter, game = whole

    assert [step for step, _ in reporter.measurements] == [4, 8, 12]
    assert [checkpoint.facts["stage"] for checkpoint in reporter.checkpoints] == [0] * 8 + [1] * 4
    assert game.training.taken == 12


def test_a_budget_without_a_step_for_every_stage_is_refused() -> None:
    with pytest.raises(BudgetTooShortError) as refused:
        played(RecordingReporter(), config(budget={"steps": 2}))

    assert "at least 3 steps" in (refused.value.remedy or "")


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is an eighth of a second later at every look, however busy the machine is."""
    looks = count()
    clock = SimpleNamespace(monotonic=lambda: next(looks) / 8)
    monkeypatch.setattr(loop, "time", clock)


@pytest.mark.usefixtures("ticking")
def test_a_budget_of_seconds_resumes_with_the_remaining_time(
    whole: tuple[RecordingReporter, PairStep],
) -> None:
    early = whole[0].checkpoints[1]
    spent = Checkpoint(early.tensors, {**early.facts, "seconds": 95.0})

    rest = played(
        RecordingReporter(start=spent), config(budget={"seconds": 100.0}, num_evaluations=1)
    )

    assert rest.training.seconds >= 100.0
    assert early.facts["taken"] < rest.training.taken < 20


@dataclass
class Listener(RecordingReporter):
    """A reporter that also remembers how far the training said it was."""

    trained_on: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, step: int, total: int, message: str = "") -> None:
        del message
        self.trained_on.append((step, total))


@pytest.mark.usefixtures("ticking")
@pytest.mark.parametrize(("budget", "total"), [({"steps": 12}, 12), ({"seconds": 19.2}, 20)])
def test_progress_counts_the_steps_or_the_seconds_of_the_budget(
    budget: dict[str, float], total: int
) -> None:
    listener = Listener()

    played(listener, config(budget=budget, num_evaluations=1))

    steps = [step for step, _ in listener.trained_on]
    assert {of for _, of in listener.trained_on} == {total}
    assert steps == sorted(steps)
    assert 0 < steps[-1] <= total


def test_losses_that_are_not_finite_end_it_with_a_remedy() -> None:
    training = PairStep().training
    optimizer = torch.optim.SGD(training.networks["one"].parameters(), lr=1.0)
    training.optimizer_groups = {"one": OptimizerGroup(optimizer, 1.0)}
    before = training.networks["one"].get_parameter("weight").clone()
    bad = before.new_tensor(torch.nan)

    for _ in range(2):
        training.learn("one", bad)
    with pytest.raises(DivergedError) as refusal:
        training.learn("one", bad)

    assert refusal.value.code == "training_diverged"
    assert refusal.value.remedy
    assert training.optimizer_groups["one"].peak == 0.5
    torch.testing.assert_close(training.networks["one"].weight, before, rtol=0, atol=0)


def test_a_loss_that_is_forgiven_stands_in_no_checkpoint_and_no_history() -> None:
    game, reporter = PairStep(), RecordingReporter()
    bad = torch.tensor(torch.nan)
    stage = TrainingStage(
        "bad", 1.0, lambda: (game._both()[0], lambda: {"bad": bad, "good": 0 * bad.nan_to_num()})
    )

    train(
        game.training,
        TrainingConfig(budget={"steps": 2}, num_evaluations=2),
        [stage],
        evaluate=lambda: {"quality": 0.5},
        pictures=dict,
        report=reporter,
    )

    numbers = {"good_loss": 0.0, "quality": 0.5}
    assert game.training.history == [{"step": 1.0, **numbers}, {"step": 2.0, **numbers}]
    json.dumps(dict(reporter.checkpoints[-1].facts), allow_nan=False)


def test_fewer_than_eight_images_a_step_are_refused() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 8"):
        TrainingConfig(batch_size=1)


def test_rates_fall_as_they_say() -> None:
    falling = drops(0.5, 0.75, factor=0.1)

    assert [falling(progress) for progress in (0.0, 0.5, 0.8)] == pytest.approx([1, 0.1, 0.01])
    assert [cosine(progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([1, 0.5, 0])
    assert [warm_cosine(progress) for progress in (0.05, 0.1, 0.55, 1.0)] == pytest.approx(
        [0.5, 1, 0.5, 0]
    )


def test_mixed_precision_computes_short_and_keeps_weights_and_losses_long() -> None:
    long, reporter = played(RecordingReporter(), config()), RecordingReporter()

    short = played(reporter, config(), arithmetic=partial(mixed_precision, "cpu"))

    assert (long.kinds, short.kinds) == ({torch.float32}, {torch.bfloat16})
    for name, network in short.training.networks.items():
        for key, value in network.state_dict().items():
            assert value.dtype is torch.float32
            expected = long.training.networks[name].state_dict()[key]
            torch.testing.assert_close(value, expected, rtol=0.05, atol=0.05)
    assert all(
        tensor.dtype is torch.float32
        for name, tensor in reporter.checkpoints[-1].tensors.items()
        if name.startswith("optimizer")
    )


def test_after_a_step_mixed_precision_uses_the_new_weights() -> None:
    layer = nn.Linear(2, 2)
    images = torch.ones(1, 2)

    with mixed_precision("cpu"):
        before = layer(images)
        with torch.no_grad():
            layer.weight += 1
        after = layer(images)

    torch.testing.assert_close(after - before, torch.full_like(before, 2), rtol=0.05, atol=0.05)


def test_the_processor_computes_in_float32() -> None:
    with arithmetic_on(torch.device("cpu"))():
        outputs = nn.Linear(2, 2)(torch.ones(1, 2))

    assert outputs.dtype is torch.float32


def test_a_layout_changes_no_number() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    images = torch.randn(2, 3, 6, 6)
    expected = network(images)

    set_memory_format(network, torch.channels_last)

    assert network.get_parameter("0.weight").is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(network(images), expected)
