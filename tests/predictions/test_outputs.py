"""Outputs become classes, pictures and arrays in the way their shapes call for."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from ulid import ULID

from service.core.manifest import TaskKind
from service.core.predict_messages import ForwardPass, OutputKind, PredictRequest, PredictResponse
from workers.child import predict_outputs


def test_scores_become_probabilities_by_softmax_likeliest_first():
    scores = torch.tensor([[0.0, 2.0, 1.0]])

    (classes,) = predict_outputs.likely_classes(scores, task="classification", top_k=2)

    by_hand = np.exp([2.0, 1.0]) / np.exp([0.0, 2.0, 1.0]).sum()
    assert [likely["index"] for likely in classes] == [1, 2]
    assert [likely["probability"] for likely in classes] == pytest.approx(by_hand)


def test_probabilities_stay_as_they_are():
    chances = torch.tensor([[0.25, 0.75]])

    (classes,) = predict_outputs.likely_classes(chances, task="classification", top_k=2)

    assert [likely["probability"] for likely in classes] == [0.75, 0.25]


def test_a_multi_label_network_scores_each_label_on_its_own():
    (classes,) = predict_outputs.likely_classes(
        torch.tensor([[3.0, 3.0]]), task="multi_label", top_k=2
    )

    assert [likely["probability"] for likely in classes] == pytest.approx(
        [1 / (1 + np.exp(-3.0))] * 2
    )


def test_top_k_is_limited_by_the_number_of_classes():
    (classes,) = predict_outputs.likely_classes(
        torch.zeros(1, 3), task="classification", top_k=100
    )

    assert len(classes) == 3


@pytest.mark.parametrize(
    ("shape", "task", "kind"),
    [
        ((2, 10), "classification", OutputKind.CLASSES),
        ((2, 10), "regression", OutputKind.FEATURES),
        ((2, 3, 8, 8), "denoising", OutputKind.IMAGE),
        ((2, 7, 8), "other", OutputKind.FEATURES),
    ],
)
def test_the_shape_decides_where_nothing_is_asked_for(
    shape: tuple[int, ...], task: str, kind: OutputKind
):
    assert predict_outputs.kind_of(torch.zeros(shape), task) is kind


def test_axes_of_length_one_at_the_end_do_not_count():
    assert predict_outputs.squeezed(torch.zeros(2, 10, 1, 1)).shape == (2, 10)


def test_three_planes_within_one_are_an_unchanged_color_picture():
    planes = torch.zeros(1, 3, 4, 5)
    planes[0, 0] = 1.0

    (file,) = predict_outputs.pictures(planes)

    picture = np.asarray(Image.open(io.BytesIO(file)))
    assert picture.shape == (4, 5, 3)
    assert (picture == [255, 0, 0]).all()


def test_one_plane_beyond_one_is_stretched_gray():
    (file,) = predict_outputs.pictures(torch.tensor([[[[-2.0, 0.0, 2.0]]]]))

    picture = np.asarray(Image.open(io.BytesIO(file)))
    assert picture[0, :, 0].tolist() == [0, 128, 255]


def test_a_flat_picture_is_black_not_noise():
    assert torch.equal(predict_outputs.stretched(torch.full((1, 2, 2), 7.0)), torch.zeros(1, 2, 2))


def test_many_planes_show_the_best_label_in_its_color():
    scores = torch.zeros(1, 5, 1, 2)
    scores[0, 2, 0, 0] = 1.0
    scores[0, 4, 0, 1] = 1.0

    (file,) = predict_outputs.pictures(scores)

    picture = np.asarray(Image.open(io.BytesIO(file)))
    assert picture.tolist() == [[[0, 128, 0], [0, 0, 128]]]


def test_colors_of_labels_differ_up_to_256():
    assert len({tuple(color) for color in predict_outputs.colors_of_labels(256).tolist()}) == 256


def test_an_array_comes_back_as_it_was():
    values = torch.arange(6.0).reshape(2, 3)

    array = np.load(io.BytesIO(predict_outputs.array_file(values)), allow_pickle=False)

    assert array.dtype == np.float32
    assert (array == values.numpy()).all()


def test_what_an_output_cannot_be_is_refused_with_what_it_can():
    with pytest.raises(predict_outputs.OutputNotPossibleError, match="not a picture") as refused:
        predict_outputs.pictures(torch.zeros(1, 10))

    assert refused.value.remedy is not None


def test_requests_and_responses_survive_serialization():
    question = PredictRequest(
        id=str(ULID()),
        forward_pass=ForwardPass(
            "0" * 64, {"height": 8, "width": 8}, TaskKind.OTHER, None, OutputKind.IMAGE, None
        ),
        top_k=5,
        images=(b"a", b""),
        timeout_seconds=1.5,
    )
    answer = PredictResponse(
        OutputKind.CLASSES, [[{"index": 1, "probability": 0.5}]], (b"x",), None
    )

    assert PredictRequest.unpacked(question.packed()) == question
    assert PredictResponse.unpacked(answer.packed()) == answer
