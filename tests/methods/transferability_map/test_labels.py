"""Names in the plane cover neither points nor each other, and stay inside the picture."""

import numpy as np

from workers.methods.transferability_map.labels import label_places, overlapping

FRAME = (0.0, 0.0, 500.0, 400.0)


def crowd(count: int) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.random.default_rng(0)
    points = numbers.uniform(20, 380, size=(count, 2))
    return points, np.column_stack([numbers.uniform(20, 70, count), np.full(count, 9.0)])


def test_no_name_covers_another_or_a_point_or_leaves_the_frame() -> None:
    points, sizes = crowd(120)

    positions = label_places(points, sizes, FRAME, radii=np.full(len(points), 4.0))

    boxes = np.array(
        [(p.x, p.y, p.x + w, p.y + h) for p, (w, h) in zip(positions, sizes, strict=True) if p]
    )
    marks = np.concatenate([points - 4.0, points + 4.0], axis=1)
    shrunk = boxes + np.array([1e-6, 1e-6, -1e-6, -1e-6])
    assert len(boxes) > 60
    assert not overlapping(shrunk, marks).any()
    for index in range(len(shrunk)):
        assert not overlapping(shrunk[index : index + 1], np.delete(boxes, index, axis=0)).any()
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2] <= FRAME[2]).all()
    assert (boxes[:, 3] <= FRAME[3]).all()


def test_a_lonely_point_is_named_on_its_right_without_a_line() -> None:
    (position,) = label_places(
        np.array([[100.0, 100.0]]), np.array([[40.0, 10.0]]), FRAME, radii=np.array([4.0])
    )

    assert position is not None
    assert (position.x, position.y, position.led) == (106.0, 95.0, False)


def test_a_name_without_room_has_no_place() -> None:
    (position,) = label_places(
        np.array([[10.0, 10.0]]), np.array([[900.0, 10.0]]), FRAME, radii=np.array([4.0])
    )

    assert position is None
