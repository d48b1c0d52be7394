"""Whether a training learned anything: its main measure beside chance."""

import math

_STANDARD_ERRORS = 2.0
CODE = "near_chance"
_ALONE = {
    "accuracy": "the most common label alone reaches",
    "mean_average_precision": "scores in random order reach",
    "mean_iou": "the most common label on every pixel reaches",
}


def near_chance(
    value: float | None, chance: float | None, held_out: int, *, measure: str = "accuracy"
) -> tuple[dict[str, str], ...]:
    """The warning that a measure cannot be distinguished from chance; empty if it can.

    A measure is near chance within two standard errors of a share of ``held_out`` images. Without the
    measure there is no warning.
    """
    if value is None or chance is None or held_out <= 0:
        return ()
    error = math.sqrt(max(chance * (1 - chance), 0.0) / held_out)
    if value > chance + _STANDARD_ERRORS * error:
        return ()
    return (
        {
            "code": CODE,
            "detail": f"the network learned little or nothing: its {measure.replace('_', ' ')} is"
            f" {value:.3f} on {held_out} held-out images, and {_ALONE[measure]} {chance:.3f}",
            "remedy": "train longer, with more images or another learning rate, and check the labels",
        },
    )
