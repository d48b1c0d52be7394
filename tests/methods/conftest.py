"""Trainings of this folder draw no curves: one takes longer than a whole training here."""

import pytest

from workers.torchkit.training import loop, task


@pytest.fixture(autouse=True)
def without_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """No curve is drawn; ``tests/workers/torchkit/test_curves.py`` looks at them."""
    for module in (loop, task):
        monkeypatch.setattr(module, "curve_picture", lambda _history: b"")
