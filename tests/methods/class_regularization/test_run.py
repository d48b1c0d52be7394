"""A learner is trained on base classes alone, and measured on novel ones it never read."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from service.core.catalog.class_regularization import ClassRegularizationParams
from service.core.manifest import InputSpec, TaskKind
from tests.methods.small_networks import assert_same_weights, teacher_of
from workers.child.save.students import save_student
from workers.methods.class_regularization import evaluator, run
from workers.methods.class_regularization.heads import Centroids, ClassDomain
from workers.methods.class_regularization.network import FewShotNetwork
from workers.programs import read_program
from workers.programs.trainable import TrainableProgram
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.task import ImageInputs, TrainingResult
from workers.torchkit.training.transfers import NotTransferableError

BASE, NOVEL = tuple("abcdefg"), tuple("uvwxyz")
IMAGES = 12
SIDE = 16
SHORT: Mapping[str, object] = {
    "budget": {"steps": 8},
    "batch_size": 60,
    "num_evaluations": 2,
    "checkpoint_interval_seconds": 0,
    "whiten": "off",
}


def params(**changes: object) -> ClassRegularizationParams:
    return ClassRegularizationParams.model_validate({**SHORT, **changes})


def frames(classes: int, *, seed: int) -> tuple[Tensor, Tensor]:
    """Noise in the color of each class."""
    generator = torch.Generator().manual_seed(seed)
    colors = torch.randint(40, 200, (classes, 1, 1, 3), generator=generator)
    labels = torch.arange(classes * IMAGES) % classes
    noise = torch.randint(-40, 40, (len(labels), SIDE, SIDE, 3), generator=generator)
    return (colors[labels] + noise).to(torch.uint8), labels


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> ImageInputs:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 4),
    ).eval()  # fmt: skip
    source = teacher_of(network, tmp_path_factory.mktemp("nets"), classes=tuple("1234"))
    images, labels = frames(len(BASE), seed=0)
    novel_images, novel_labels = frames(len(NOVEL), seed=1)
    return ImageInputs(
        name="learner",
        teachers=(source,),
        evaluation_set=EvaluationSet(novel_images, novel_labels, NOVEL),
        images=images,
        labels=labels,
        label_names=BASE,
    )


@pytest.fixture(scope="module")
def learner(inputs: ImageInputs) -> TrainingResult:
    return run(inputs, params(), RecordingReporter())


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch: pytest.MonkeyPatch, learner: TrainingResult) -> None:
    """Only ``learner`` draws its own pictures, which takes longer than these trainings."""
    del learner
    monkeypatch.setattr(evaluator, "shift_picture", lambda _panels: b"")


def test_the_learner_says_how_it_compares_and_has_no_classes(learner: TrainingResult) -> None:
    head = learner.manifest.few_shot

    assert learner.manifest.classes is None
    assert learner.manifest.task.kind is TaskKind.EMBEDDING
    assert head is not None
    assert head.units == 8
    assert min(head.prior, head.scale, head.outside_distance) > 0


def test_its_output_is_features_and_decoded_features(learner: TrainingResult) -> None:
    assert isinstance(learner.network, FewShotNetwork)
    images = torch.rand(3, 3, SIDE, SIDE)

    with torch.no_grad():
        output = learner.network(images)
        features = learner.network.embed(images)
        decoded = learner.network.head.decoded(features)

    torch.testing.assert_close(output, torch.cat([features, decoded], dim=1))


def test_every_row_is_compared_on_novel_classes(learner: TrainingResult) -> None:
    rows = {name.removesuffix("_5w1s") for name in learner.quality if name.endswith("_5w1s")}

    assert rows == {
        "accuracy", "none", "centroid_cosine", "whitened_centroid", "class_regularization",
        "class_regularization_whitened", "prototypical", "prototypical_whitened",
        "no_class_loss", "constant_alpha", "symmetric", "symmetric_no_class_loss", "pure",
    }  # fmt: skip
    assert all(0 <= learner.quality[f"{row}_5w1s"] <= 1 for row in rows)
    assert learner.quality["class_regularization_shift_1"] > 0
    assert learner.findings.details["novel_classes"] == list(NOVEL)
    assert learner.findings.details["base_classes"] == list(BASE)
    assert "meta-shift.png" in learner.pictures


def test_the_row_without_training_is_the_nearest_centroid(
    inputs: ImageInputs, learner: TrainingResult
) -> None:
    novel, network = inputs.evaluation_set, learner.network
    assert novel is not None
    assert isinstance(network, FewShotNetwork)
    with torch.no_grad():
        features = network.embed(inputs.teachers[0].of_frames(novel.images))
    drawn = json.loads(learner.findings.documents["episodes.json"])["5w1s"]

    support = features[torch.tensor(drawn["support"])]
    queries = features[torch.tensor(drawn["queries"])]
    answers = Centroids().logits(support, queries.flatten(1, 2)).argmax(-1)

    truth = torch.arange(5).repeat_interleave(queries.shape[2])
    accuracies = (answers == truth).float().mean(1)
    expected = torch.tensor(drawn["accuracies"]["none"])
    torch.testing.assert_close(accuracies, expected, atol=1e-4, rtol=0)


def test_no_novel_image_has_any_influence(inputs: ImageInputs, learner: TrainingResult) -> None:
    novel = inputs.evaluation_set
    assert novel is not None
    black = EvaluationSet(torch.zeros_like(novel.images), novel.truth, novel.labels)

    result = run(replace(inputs, evaluation_set=black), params(), RecordingReporter())

    assert_same_weights(result.network, learner.network)
    assert result.manifest.few_shot == learner.manifest.few_shot


def test_classes_that_are_named_novel_have_no_influence(inputs: ImageInputs) -> None:
    assert inputs.labels is not None
    changed = inputs.images.clone()
    changed[inputs.labels == BASE.index("c")] = 0
    named = params(novel_classes=["c"])

    first = run(inputs, named, RecordingReporter())
    second = run(replace(inputs, images=changed), named, RecordingReporter())

    assert_same_weights(first.network, second.network)
    assert first.findings.details["base_classes"] == list("abdefg")


def test_a_base_class_in_the_evaluation_set_is_not_evaluated(inputs: ImageInputs) -> None:
    novel = inputs.evaluation_set
    assert novel is not None
    renamed = EvaluationSet(novel.images, novel.truth, ("a", *NOVEL[1:]))

    result = run(replace(inputs, evaluation_set=renamed), params(), RecordingReporter())

    assert result.findings.details["novel_classes"] == list(NOVEL[1:])


@pytest.mark.parametrize("changes", [{}, {"body_rate": 0.5}], ids=["frozen", "end to end"])
def test_resumed_it_ends_with_the_same_bits(
    inputs: ImageInputs, changes: Mapping[str, object]
) -> None:
    whole = RecordingReporter()
    expected = run(inputs, params(**changes), whole)

    resumed = RecordingReporter(start=whole.checkpoints[3])
    result = run(inputs, params(**changes), resumed)

    assert_same_weights(result.network, expected.network)
    assert dict(result.quality) == dict(expected.quality)


def test_a_frozen_source_stays_as_it_is(inputs: ImageInputs, learner: TrainingResult) -> None:
    program = inputs.teachers[0].program
    fresh = TrainableProgram(program, program.feature_layer).state_dict()

    assert isinstance(learner.network, FewShotNetwork)
    for name, value in learner.network.body.state_dict().items():
        torch.testing.assert_close(value, fresh[name], rtol=0, atol=0)


def test_end_to_end_the_body_learns_beside_a_prototypical_network(inputs: ImageInputs) -> None:
    program = inputs.teachers[0].program
    fresh = TrainableProgram(program, program.feature_layer).state_dict()

    result = run(inputs, params(body_rate=1), RecordingReporter())

    assert isinstance(result.network, FewShotNetwork)
    state = result.network.body.state_dict()
    assert any(not torch.equal(value, fresh[name]) for name, value in state.items())
    rows = {name.removesuffix("_5w1s") for name in result.quality if name.endswith("_5w1s")}
    assert rows >= {"none", "prototypical_network", "class_regularization", "no_class_loss"}
    assert result.findings.details["first_prior"] == 0.05
    assert result.manifest.few_shot is not None
    assert result.manifest.few_shot.prior < 0.1


def test_small_classes_are_left_out_and_named(inputs: ImageInputs) -> None:
    assert inputs.labels is not None
    some = (inputs.labels != 2) | (torch.arange(len(inputs.labels)) < 4 * len(BASE))
    fewer = replace(inputs, images=inputs.images[some], labels=inputs.labels[some])

    result = run(fewer, params(), RecordingReporter())

    assert result.findings.details["left_out_classes"] == ["c"]


def test_four_base_classes_are_refused(inputs: ImageInputs) -> None:
    with pytest.raises(NotTransferableError, match="4 base classes"):
        run(inputs, params(novel_classes=["a", "b", "c"]), RecordingReporter())


def test_the_report_holds_all_rows_with_intervals_and_the_episodes(
    learner: TrainingResult, tmp_path: Path
) -> None:
    facts = save_student(learner, tmp_path)

    report = json.loads((tmp_path / "report.json").read_text())
    markdown = (tmp_path / "report.md").read_text()
    assert facts["documents"] == ["episodes.json"]
    assert len(json.loads((tmp_path / "episodes.json").read_text())["5w1s"]["classes"]) >= 600
    size = report["sizes"]["5w1s"]
    assert size["rows"]["none"]["half_width"] > 0
    pairs = {(entry["row"], entry["minus"]) for entry in size["differences"]}
    assert ("class_regularization", "none") in pairs
    assert ("prototypical", "class_regularization") in pairs
    assert "| `class_regularization` |" in markdown
    assert "agreement" not in markdown


def test_whitening_is_decided_on_base_classes(inputs: ImageInputs) -> None:
    whitened = run(inputs, params(whiten="on"), RecordingReporter())
    decided = run(inputs, params(whiten="auto"), RecordingReporter())

    assert whitened.findings.details["whitened"] is True
    assert decided.findings.details["whitened"] in (True, False)
    assert "class_regularization_plain_5w1s" in whitened.quality


def test_the_stored_program_answers_like_the_network(
    learner: TrainingResult, tmp_path: Path
) -> None:
    save_student(learner, tmp_path)

    program = read_program(tmp_path / "program.pt2")
    images = torch.rand(2, 3, SIDE, SIDE)
    with torch.no_grad():
        torch.testing.assert_close(program(images), learner.network(images))
    assert InputSpec.model_validate(learner.manifest.input) == learner.manifest.input


def test_a_class_domain_has_one_vector_for_each_base_class(learner: TrainingResult) -> None:
    assert isinstance(learner.network, FewShotNetwork)
    head: ClassDomain = learner.network.head

    assert head.basis.shape == (len(BASE), 8)
