"""Student, teachers and generator meet at the same places, and the rest stays as it is."""

import pytest
import torch

from service.core.catalog.training import SharedLabels
from service.core.manifest import InputSpec, TaskKind
from tests.methods.dual_gan_amalgamation.scenes import SIDE, params, teacher, trained
from tests.methods.oracles import dual_gan_amalgamation as oracle
from workers.methods.dual_gan_amalgamation.blocks import NotPartableError, remainders_of
from workers.methods.dual_gan_amalgamation.dual import DualLearner
from workers.methods.dual_gan_amalgamation.networks import GroupStack
from workers.methods.dual_gan_amalgamation.parts import GeneratorParts, remainder_logits
from workers.methods.dual_gan_amalgamation.recipes import recipe_for
from workers.methods.dual_gan_amalgamation.setup import setup_for
from workers.methods.dual_gan_amalgamation.teacher_panel import ImagePrior, Panel
from workers.torchkit.training.task import DataFreeInputs
from workers.torchkit.training.teachers import Head

pytestmark = pytest.mark.slow

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("teachers")


@pytest.fixture(scope="module")
def pair(folder):
    return teacher(folder, ("a", "b")), teacher(folder, ("b", "c"), width=6, side=24)


def grounds(teachers, **changes):
    return setup_for(DataFreeInputs(name="student", teachers=tuple(teachers)), params(**changes))


def test_groups_put_out_what_the_first_teachers_blocks_take(pair):
    setup = grounds(pair)
    drawing = GeneratorParts(setup, [0, 1])

    maps = drawing.maps(setup.noise())

    taken = [remainder.input_shape for remainder in drawing.remainders[0]]
    assert [tuple(image_maps.shape[1:]) for image_maps in maps] == [
        taken[1],
        taken[0],
        (3, SIDE, SIDE),
    ]


def test_every_rest_takes_what_its_filter_makes_of_inner_maps(pair):
    setup = grounds(pair)
    drawing = GeneratorParts(setup, [0, 1])
    maps = drawing.maps(setup.noise())

    loss = drawing.consistency(maps, setup.panel.logits(maps[-1]))

    assert drawing.remainders[1][0].input_shape == (6, 12, 12)
    assert torch.isfinite(loss)


@pytest.mark.parametrize(("gray", "mean", "deviation"), [(0.5, 0.0, 1.0), (0.0, 0.5, 0.25)])
def test_images_have_the_statistics_of_normalized_sets_or_lie_around_gray(gray, mean, deviation):
    std = 0.2 if gray else 1.0
    spec = InputSpec(height=SIDE, width=SIDE, mean=(gray,) * 3, std=(std,) * 3)
    generator = torch.Generator().manual_seed(0)
    stack = GroupStack((4, 4, 4), [(4, 8, 8)], spec, noise_units=8, generator=generator)

    images = stack(torch.randn(16, 8, generator=generator))[-1]

    torch.testing.assert_close(images.mean(), torch.tensor(mean), atol=1e-3, rtol=0)
    torch.testing.assert_close(images.std(), torch.tensor(deviation), atol=1e-2, rtol=0)


@pytest.mark.parametrize("blocks", [1, 2])
def test_fewer_blocks_than_the_students_are_enough(pair, blocks):
    result = trained(pair, blocks=blocks, num_evaluations=14)

    losses = {name for entry in result.history for name in entry}
    assert ("consistency_loss" in losses) == (blocks > 1)


def test_more_blocks_than_the_students_are_refused(pair):
    with pytest.raises(NotPartableError, match="3 blocks"):
        trained(pair, blocks=4)


def test_layers_that_are_named_part_a_teacher(pair):
    drawing = GeneratorParts(grounds(pair, cuts=[["0.0", "1"], ["0", "1.1"]]), [0, 1])

    assert [remainder.input_shape for remainder in drawing.remainders[0]] == [(4, 8, 8), (4, 4, 4)]


@pytest.mark.parametrize("cuts", [["0"], ["1", "0"], ["0", "nowhere"], ["0", "5"]])
def test_layers_that_do_not_part_a_teacher_are_refused(pair, cuts):
    with pytest.raises(NotPartableError) as refusal:
        remainders_of(pair[0], cuts, [0.5, 0.25])

    assert "choose among" in (refusal.value.remedy or "")


def test_cuts_of_some_teachers_alone_are_refused(pair):
    with pytest.raises(NotPartableError, match="lists 1 teachers"):
        trained(pair, cuts=[["0", "1"]])


def test_a_teacher_with_too_few_sizes_is_refused(pair):
    with pytest.raises(NotPartableError, match="sizes"):
        remainders_of(pair[0], None, [0.5, 0.4, 0.3, 0.2, 0.1])


def test_statistics_of_blocks_at_rest_do_not_move(pair):
    setup = grounds(pair)
    drawing = GeneratorParts(setup, [0, 1])
    dual = DualLearner(setup, drawing)
    first, second = drawing.blocks[0], drawing.blocks[1]
    before = {name: value.clone() for name, value in first.state_dict().items()}
    mean = second[1].running_mean.clone()

    dual.block_losses(2, drawing.maps(setup.noise())).sum().backward()

    for name, value in first.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    assert not torch.equal(second[1].running_mean, mean)
    assert all(weight.grad is None for weight in first.parameters())
    assert all(weight.grad is None for weight in drawing.stack.parameters())


def test_a_block_learns_from_both_streams(pair):
    setup = grounds(pair)
    drawing = GeneratorParts(setup, [0, 1])
    maps = drawing.maps(setup.noise())

    dual = DualLearner(setup, drawing)
    both = dual.block_losses(2, maps)
    images_alone = dual.block_losses(2, maps[-1:])

    assert both.shape == images_alone.shape == (2,)
    assert not torch.allclose(both, images_alone)


def test_the_loss_of_a_block_is_what_the_twin_finds_over_both_streams(pair):
    setup = grounds(pair)
    drawing = GeneratorParts(setup, [0, 1])
    dual = DualLearner(setup, drawing)
    maps = drawing.maps(setup.noise())

    losses = dual.block_losses(2, maps).tolist()

    mirrored = next(
        candidate
        for candidate in maps
        if candidate.shape[1:] == drawing.remainders[0][0].input_shape
    )
    filters, picks = dual.networks["branch_filters"][1], dual.networks["picks"][1]
    with torch.no_grad():
        streams = [drawing.blocks[0](maps[-1]), dual.networks["links"][0](mirrored)]
        put_out = drawing.blocks[1](torch.cat(streams))
        for number, teacher_logits in enumerate(setup.panel.logits(maps[-1])):
            rest = drawing.remainders[number][1]
            branch_logits = picks[number](remainder_logits(rest, filters[number](put_out)))
            expected = oracle.agreement_loss(
                branch_logits.tolist(), 2 * teacher_logits.tolist(), several="many"
            )
            assert losses[number] == pytest.approx(expected, rel=1e-3)


def test_what_images_are_asked_for_is_the_weighted_sum_of_the_twins(pair):
    setup = grounds(pair)
    prior = ImagePrior(setup.panel, setup.params, recipe_for(setup.params, pair))
    with torch.no_grad():
        images = torch.randn(8, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
        outputs = setup.panel.outputs(images)

    parts = {name: float(loss) for name, loss in prior.of(outputs).items() if name != "batch_norm"}

    rows = torch.cat(outputs.logits, dim=1).tolist()
    fired = [oracle.activation_loss(features.flatten(1).tolist()) for features in outputs.features]
    assert parts == pytest.approx(
        {
            "one_hot": oracle.one_hot_loss(rows, several="many"),
            "entropy": 5 * oracle.entropy_loss(rows, several="many"),
            "activation": 0.1 * sum(fired) / len(fired),
            "discrete": 0.1 * oracle.discrete_loss(rows),
        },
        rel=1e-3,
    )


def test_blocks_approach_their_teachers_outputs(pair):
    setup = grounds(pair)
    drawing = GeneratorParts(setup, [0, 1])
    dual = DualLearner(setup, drawing)
    maps = drawing.maps(setup.noise())
    learning = [weight for module in dual.learning(3) for weight in module.parameters()]
    optimizer = torch.optim.Adam(learning, lr=0.05)

    losses = []
    for _ in range(40):
        loss = dual.block_losses(3, maps).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))

    assert losses[-1] < 0.85 * losses[0]


def test_branches_leave_where_the_loss_is_least(pair):
    setup = grounds(pair, regroup="branched")
    dual = DualLearner(setup, GeneratorParts(setup, [0, 1]))
    memory = dual.memory()

    assert dual.exits(memory) == [3, 3]
    memory["held_out_loss"] = torch.tensor([[3.0, 1.0], [2.0, 2.0], [1.0, 3.0]])
    assert dual.exits(memory) == [3, 1]

    student = dual.branched(memory)
    assert len(student.blocks) == 3
    assert student(torch.zeros(2, 3, SIDE, SIDE)).shape == (2, 3)


def test_gradients_reach_the_generator_through_every_loss(pair):
    setup = grounds(pair)
    drawing = GeneratorParts(setup, [0, 1])
    prior = ImagePrior(setup.panel, setup.params, recipe_for(setup.params, pair))
    maps = drawing.stack(setup.noise())
    outputs = setup.panel.outputs(maps[-1])
    parts = prior.of(outputs) | {"consistency": drawing.consistency(maps, outputs.logits)}

    assert set(parts) == {
        "one_hot", "entropy", "activation", "discrete", "batch_norm", "consistency",
    }  # fmt: skip
    for loss in parts.values():
        (gradient,) = torch.autograd.grad(loss, drawing.stack.linear.weight, retain_graph=True)
        assert gradient.abs().sum() > 0


@pytest.mark.parametrize("kind", [TaskKind.MULTI_LABEL, TaskKind.CLASSIFICATION])
def test_consistency_is_the_mean_over_inner_groups_of_what_the_twin_finds(folder, kind):
    both = teacher(folder, ("a", "b"), task=kind), teacher(folder, ("b", "c"), width=6, task=kind)
    setup = grounds(both)
    drawing = GeneratorParts(setup, [0, 1])
    *inner, images = drawing.maps(setup.noise())
    image_logits = setup.panel.logits(images)

    loss = drawing.consistency((*inner, images), image_logits).detach()

    filters, remainders = drawing.networks["filters"], drawing.remainders
    inner_logits = [
        [
            remainder_logits(remainders[number][index], filters[index][number](maps)).tolist()
            for number in range(2)
        ]
        for index, maps in enumerate(reversed(inner))
    ]
    several = "many" if kind is TaskKind.MULTI_LABEL else "one"
    teacher_logits = [logits.tolist() for logits in image_logits]
    assert float(loss) == pytest.approx(
        oracle.consistency(inner_logits, teacher_logits, several=several), rel=1e-4
    )


def test_swapping_teachers_swaps_the_students_labels(pair):
    spec = InputSpec(height=SIDE, width=SIDE)
    images = torch.randn(4, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    rule = SharedLabels.PROBABILITIES
    there, back = (
        Panel(teachers, Head.of(teachers), spec, rule) for teachers in (pair, pair[::-1])
    )

    first = there.label_logits(there.logits(images))
    second = back.label_logits(back.logits(images))

    order = [back.head.labels.index(label) for label in there.head.labels]
    torch.testing.assert_close(first, second[:, order])


def test_softmax_teachers_are_read_each_on_its_own_and_sigmoids_together(folder):
    answers = [torch.zeros(2, 2), torch.ones(2, 3)]
    shapes = {}
    for kind in (TaskKind.MULTI_LABEL, TaskKind.CLASSIFICATION):
        source = teacher(folder, ("a", "b"), task=kind)
        panel = Panel((source,), Head.of([source]), source.input, SharedLabels.PROBABILITIES)
        shapes[kind] = [tuple(group.shape) for group in panel.groups(answers)]

    assert shapes[TaskKind.MULTI_LABEL] == [(2, 5)]
    assert shapes[TaskKind.CLASSIFICATION] == [(2, 2), (2, 3)]
