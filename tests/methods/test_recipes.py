"""The parameters in a report are all that a run needs: with them alone it ends with the same bits."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from service.core.catalog import method_named
from tests.methods.small_trainings import (
    INNER,
    STACKED,
    TRAININGS,
    Teachers,
    teachers_in,
    trained,
)
from workers.torchkit.training import loop, task

# Presets and choices that leave most to the method.
CASES = [
    *((method, {}) for method in TRAININGS),
    ("adversarial_distillation", {"preset": None}),
    ("adversarial_distillation", {"preset": "dfq"}),
    ("adversarial_distillation", INNER),
    ("dual_gan_amalgamation", STACKED),
]


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> Teachers:
    return teachers_in(tmp_path_factory.mktemp("teachers"))


@pytest.fixture(autouse=True)
def without_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing them takes longer than these trainings."""
    for module in (loop, task):
        monkeypatch.setattr(module, "curve_picture", lambda _history: b"")


@pytest.mark.parametrize(("method", "params"), CASES)
def test_the_parameters_that_ran_repeat_the_run(
    method: str, params: Mapping[str, Any], teachers: Teachers
) -> None:
    first = trained(method, teachers, params)

    again = trained(method, teachers, first.params)

    assert again.params == first.params
    state = again.network.state_dict()
    for name, value in first.network.state_dict().items():
        torch.testing.assert_close(state[name], value, rtol=0, atol=0)


@pytest.mark.parametrize("preset", ["dfad", "dfq", "fast_meta", None])
def test_every_value_that_a_preset_stands_for_is_stated(preset: str, teachers: Teachers) -> None:
    params = trained(
        "adversarial_distillation", teachers, {"preset": preset, "inner_steps": 0}
    ).params

    assert [name for name, value in params.items() if value is None] == []


def test_values_that_dual_gan_recipes_choose_are_stated(teachers: Teachers) -> None:
    params = trained("dual_gan_amalgamation", teachers, {}).params
    fields = method_named("dual_gan_amalgamation").params.model_fields

    assert {name for name in fields if params[name] is None} == {"blocks", "cuts"}
    assert params["student"]["labels"] == ["a", "b", "c"]
    assert (params["device"], params["name"]) == ("cpu", "student")
