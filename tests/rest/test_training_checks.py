"""A training whose networks do not go together is refused when it is asked for, with a remedy."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from service.core.operations import keys
from service.core.operations.method_checks import STATISTICAL
from service.core.records import ModelRecord
from service.wiring import Zoo
from tests.rest.served import PROJECT, Served, a_dataset, a_model, client_of, serving
from workers.methods.adversarial_distillation.recipes import PRESETS

LAYERS = [
    {"name": "conv", "kind": "Conv2d", "shape": [4, 8, 8]},
    {"name": "flat", "kind": "Flatten", "shape": [256]},
]
FLAT = LAYERS[1:]
COMMON, ADAPTIVE = "common_feature_amalgamation", "adaptive_amalgamation"
DUAL_GAN, ADVERSARY = "dual_gan_amalgamation", "adversarial_distillation"
DISTIL, TUNE = "knowledge_distillation", "fine_tune"
WITHOUT_DATA = (DUAL_GAN, ADVERSARY)
OF_PIXELS = {"task_kind": "segmentation", "output_kind": "map", "output_shape": [2, 8, 8]}
MULTIPLE = {"task_kind": "multi_label"}

Teacher = Callable[..., str]
Refusal = tuple[int, str, list[str]]


@pytest.fixture(scope="module")
def served(shared_zoo: Zoo) -> Iterator[Served]:
    """One zoo for all tests: what is refused leaves nothing behind."""
    with shared_zoo.transaction() as session:
        token = keys.issue(session, project=PROJECT, name="a key", scopes=["admin"]).token
    with serving(shared_zoo) as url, client_of(url, token) as client:
        yield Served(shared_zoo, url, client, token)


@pytest.fixture
def teacher(served: Served) -> Teacher:
    """Puts a network into the zoo: a classifier of cats and dogs, but for what is said."""

    def put(**changes: Any) -> str:
        classes = changes.pop("classes", ["cat", "dog"])
        manifest = {
            "name": "hen",
            "classes": classes,
            "input": {"height": 8, "width": 8, "channels": changes.pop("channels", 3)},
        }
        usual: dict[str, Any] = {
            "manifest": manifest,
            "output_kind": "vector",
            "output_shape": [len(classes)],
            "layers": LAYERS,
            "batch_norms": 2,
        }
        with served.zoo.transaction() as session:
            made: ModelRecord = a_model(session, **{**usual, **changes})
        return made.id

    return put


@pytest.fixture
def ask(served: Served) -> Callable[..., Any]:
    """Asks for a training by a method on these teachers; the answer of the server."""

    def submit(method: str, *teachers: str, **fields: Any) -> Any:
        if method not in WITHOUT_DATA:
            with served.zoo.transaction() as session:
                fields["data"] = a_dataset(served.zoo, session).id
        body = {"method": method, "teachers": teachers, **fields}
        return served.client.post("/v1/jobs", json=body)

    return submit


def refusal(answer: Any) -> Refusal:
    """Status, code and pointers of an answer that says what to do instead."""
    told = answer.json()
    assert told["remedy"]
    return answer.status_code, told["code"], [one["pointer"] for one in told["errors"]]


def test_presets_that_compare_batch_statistics_are_those_whose_recipe_weighs_them():
    weighing = {name for name, one in PRESETS.items() if one.batch_norm_weight > 0}

    assert weighing == STATISTICAL


@pytest.mark.parametrize("method", [COMMON, ADAPTIVE, DUAL_GAN])
def test_labels_of_pixels_are_not_for_methods_of_whole_images(
    ask: Any, teacher: Teacher, method: str
):
    answer = ask(method, teacher(**OF_PIXELS), student={"architecture": "unet"})

    assert refusal(answer) == (422, "task_not_for_method", ["/teachers"])


def test_a_teacher_has_a_class_for_every_answer(ask: Any, teacher: Teacher):
    answer = ask(DISTIL, teacher(), teacher(output_shape=[3]))

    assert refusal(answer) == (422, "class_count_mismatch", ["/teachers/1"])


def test_a_teacher_of_pixels_has_a_class_for_every_channel(ask: Any, teacher: Teacher):
    dense = teacher(**{**OF_PIXELS, "output_shape": [5, 8, 8]})

    answer = ask(DISTIL, dense, student={"architecture": "unet"})

    assert refusal(answer) == (422, "class_count_mismatch", ["/teachers/0"])


def test_labels_of_images_need_not_be_those_of_pixels(ask: Any, served: Served, teacher: Teacher):
    with served.zoo.transaction() as session:
        exam = a_dataset(served.zoo, session, labels=["oak", "elm"]).id
    refused = ask(DISTIL, teacher(), exam=exam)
    taken = ask(DISTIL, teacher(**OF_PIXELS), exam=exam, student={"architecture": "unet"})

    assert refusal(refused) == (422, "exam_without_known_labels", ["/exam"])
    assert taken.status_code == 202, taken.text


@pytest.mark.parametrize(
    ("method", "changes", "fields", "pointer"),
    [
        (DISTIL, OF_PIXELS, {"student": {"architecture": "plain"}}, "/student/architecture"),
        (DISTIL, {}, {"student": {"architecture": "unet"}}, "/student/architecture"),
        (COMMON, {}, {"student": {"architecture": "timm/resnet18"}}, "/student/architecture"),
        (DUAL_GAN, {}, {"student": {"architecture": "timm/resnet18"}}, "/student/architecture"),
        (
            DISTIL,
            {},
            {"student": {"architecture": "timm/resnet18"}, "params": {"feature_weight": 1}},
            "/student/architecture",
        ),
        (
            ADAPTIVE,
            {},
            {"params": {"component": {"architecture": "unet"}}},
            "/params/component/architecture",
        ),
    ],
)
def test_a_student_is_of_a_build_that_can_learn_from_these_teachers(
    ask: Any,
    teacher: Teacher,
    method: str,
    changes: dict[str, Any],
    fields: dict[str, Any],
    pointer: str,
):
    assert refusal(ask(method, teacher(**changes), **fields)) == (422, "bad_student", [pointer])


@pytest.mark.parametrize(
    "start",
    [
        {
            "lineage": {
                "method": DISTIL,
                "params": {"student": {"architecture": "lenet", "width": 16}},
            }
        },
        {
            "lineage": {
                "method": DISTIL,
                "params": {"student": {"architecture": "residual", "width": 8}},
            }
        },
        {"lineage": {"method": TUNE, "params": {}}},
        {"output_shape": [3]},
        {"channels": 1},
    ],
)
def test_first_weights_of_another_build_are_refused(
    ask: Any, teacher: Teacher, start: dict[str, Any]
):
    answer = ask(DISTIL, teacher(), student={"init": teacher(**start)})

    assert refusal(answer) == (422, "bad_student", ["/student/init"])


@pytest.mark.parametrize(
    "lineage",
    [None, {"method": DISTIL, "params": {"student": {"architecture": "residual", "width": 16}}}],
)
def test_first_weights_of_the_same_build_or_of_an_upload_are_taken(
    ask: Any, teacher: Teacher, lineage: Any
):
    answer = ask(DISTIL, teacher(), student={"init": teacher(lineage=lineage)})

    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("method", "params"),
    [
        (ADVERSARY, {"preset": "dfq"}),
        (ADVERSARY, {"preset": "dfad", "batch_norm_weight": 1}),
        (DUAL_GAN, {"bn_weight": 10}),
    ],
)
def test_batch_statistics_are_asked_only_of_teachers_that_remember_some(
    ask: Any, teacher: Teacher, method: str, params: dict[str, Any]
):
    without, unknown = teacher(batch_norms=0), teacher(batch_norms=None)

    refused, taken = (ask(method, one, params=params) for one in (without, unknown))

    assert refusal(refused) == (422, "teacher_without_batch_norm", ["/teachers/0"])
    assert taken.status_code == 202, taken.text


@pytest.mark.parametrize(
    ("method", "params"),
    [
        (ADVERSARY, {}),
        (ADVERSARY, {"preset": "dfq", "batch_norm_weight": 0}),
        (DUAL_GAN, {}),
        (DUAL_GAN, {"bn_weight": 0}),
    ],
)
def test_without_batch_statistics_any_teacher_will_do(
    ask: Any, teacher: Teacher, method: str, params: dict[str, Any]
):
    assert ask(method, teacher(batch_norms=0), params=params).status_code == 202


def test_nothing_is_asked_of_a_teacher_that_knows_no_wanted_label(ask: Any, teacher: Teacher):
    idle = teacher(classes=["cow", "ox"], batch_norms=0, layers=FLAT)

    answer = ask(
        DUAL_GAN, teacher(), idle, student={"labels": ["cat", "dog"]}, params={"bn_weight": 1}
    )

    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("method", [COMMON, ADAPTIVE, DUAL_GAN])
def test_a_teacher_without_maps_is_named(ask: Any, teacher: Teacher, method: str):
    params = {"preset": "dfka"} if method == DUAL_GAN else {}

    answer = ask(method, teacher(), teacher(layers=FLAT, feature_layer="flat"), params=params)

    assert refusal(answer) == (422, "teacher_without_maps", ["/teachers/1"])


def test_answers_alone_need_no_maps(ask: Any, teacher: Teacher):
    student = {"architecture": "timm/resnet18"}

    answer = ask(ADAPTIVE, teacher(layers=FLAT), params={"feature_weight": 0}, student=student)

    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("method", "params", "code", "place"),
    [
        (COMMON, {"teacher_layers": [["conv"]]}, "layers_not_for_every_teacher", ""),
        (COMMON, {"teacher_layers": [["conv"], ["nose"]]}, "layer_not_found", "/1/0"),
        (COMMON, {"teacher_layers": [["conv"], ["conv", "flat"]]}, "layers_uneven", ""),
        (ADAPTIVE, {"teacher_layers": [["conv"]]}, "layers_not_for_every_teacher", ""),
        (ADAPTIVE, {"teacher_layers": [["conv"], ["output"]]}, "layer_not_found", "/1/0"),
        (ADAPTIVE, {"teacher_layers": [["conv", "flat"], ["conv"]]}, "layer_not_spatial", "/0/1"),
        (DUAL_GAN, {"cuts": [["conv"]]}, "layers_not_for_every_teacher", ""),
        (DUAL_GAN, {"cuts": [["conv"], ["nose"]]}, "layer_not_found", "/1/0"),
        (DUAL_GAN, {"cuts": [["flat"], ["conv"]]}, "layer_not_spatial", "/0/0"),
    ],
)
def test_layers_are_those_of_the_teachers_list_by_list(
    ask: Any, teacher: Teacher, method: str, params: dict[str, Any], code: str, place: str
):
    (knob,) = params
    preset = {"preset": "dfka"} if method == DUAL_GAN else {}

    answer = ask(method, teacher(), teacher(), params=params | preset)

    assert refusal(answer) == (422, code, [f"/params/{knob}{place}"])


@pytest.mark.parametrize("method", [DISTIL, TUNE, "linear_probe"])
def test_the_answer_counts_as_a_layer(ask: Any, teacher: Teacher, method: str):
    knob = "teacher_layer" if method == DISTIL else "layer"

    assert ask(method, teacher(), params={knob: "output"}).status_code == 202


def test_one_label_for_each_image_teaches_no_teachers_of_several(ask: Any, teacher: Teacher):
    answer = ask(DISTIL, teacher(**MULTIPLE), params={"label_weight": 1})

    assert refusal(answer) == (422, "labels_not_taught", ["/params/label_weight"])


@pytest.mark.parametrize(
    ("labels", "task", "code", "pointer"),
    [
        (None, ["cat"], "task_of_one_label", "/params/tasks/0/labels"),
        (["cat", "dog"], ["cat", "dog", "cow"], "labels_not_of_tasks", "/student/labels"),
    ],
)
def test_tasks_are_choices_and_make_up_the_student(
    ask: Any, teacher: Teacher, labels: Any, task: list[str], code: str, pointer: str
):
    params = {"tasks": [{"name": "animals", "labels": task}]}
    farm = teacher(classes=["cat", "dog", "cow"])

    answer = ask(ADAPTIVE, farm, params=params, student={"labels": labels})

    assert refusal(answer) == (422, code, [pointer])
