"""A classifier answers like its learner with the same support."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from service.core.catalog.few_shot_adaptation import FewShotAdaptationParams
from service.core.manifest import FewShotHead, InputSpec, TaskKind
from service.core.results.adaptations import AdaptedLearner
from workers.child.few_shot import few_shot_response
from workers.child.save.results import save
from workers.methods.few_shot_adaptation import FewShotAdaptationData, run
from workers.programs import Program, read_program
from workers.programs.exporting import export_network
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.few_shot import SupportConflictError
from workers.torchkit.protocols import silent

SIDE = 8
HEAD = FewShotHead(units=3, prior=1.5, scale=4.0, outside_distance=1.0)
SPEC = InputSpec(height=SIDE, width=SIDE)
CLASSES, NAMES = (0, 0, 1, 1, 1, 0), ("first", "second")


class MirroredLearner(nn.Module):
    """Mean colors, and the same in another order."""

    def forward(self, images: Tensor) -> Tensor:
        """Features, then decoded features."""
        colors = images.mean(dim=(2, 3))
        return torch.cat([colors, colors.flip(1)], dim=1)


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Program:
    path = tmp_path_factory.mktemp("nets") / "learner.pt2"
    return export_network(MirroredLearner().eval(), (3, SIDE, SIDE), path)


def frames(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    colors = torch.randint(0, 256, (count, 1, 1, 3), generator=generator)
    return colors.expand(count, SIDE, SIDE, 3).to(torch.uint8).contiguous()


def data(learner: Program, images: Tensor) -> FewShotAdaptationData:
    """The learner with a support of two classes."""
    return FewShotAdaptationData(
        name="classifier",
        learner=learner,
        learner_name="learner",
        input=SPEC,
        head=HEAD,
        images=images,
        classes=CLASSES,
        names=NAMES,
        limit_bytes=None,
    )


@pytest.mark.parametrize("prior", [None, 0.0, 3.0])
def test_it_answers_like_the_learner_with_its_support(
    learner: Program, prior: float | None
) -> None:
    support, queries = frames(6, 0), frames(5, 1)

    result = run(data(learner, support), FewShotAdaptationParams(prior=prior), silent)

    images = to_network_input(torch.cat([queries, support]), Preprocessing.of(SPEC))
    with torch.no_grad():
        outputs, logits = learner(images), result.network(images[:5])
    request = {
        "images": 5,
        "top_k": 2,
        "support": {"classes": CLASSES, "names": NAMES, "prior": prior},
    }
    response = few_shot_response(torch.cat([queries, support]), outputs, request, HEAD)
    expected = torch.zeros(5, 2)
    for row, classes in enumerate(response.classes):
        for likely in classes:
            expected[row, likely["index"]] = likely["probability"]
    torch.testing.assert_close(logits.softmax(1), expected, atol=1e-5, rtol=0)


def test_its_manifest_names_the_classes_and_it_is_stored(learner: Program, tmp_path: Path) -> None:
    support = frames(6, 0)
    support[1] = support[0]
    result = run(data(learner, support), FewShotAdaptationParams(), silent)

    saved = save(result, "few_shot_adaptation", tmp_path)

    assert isinstance(saved, AdaptedLearner)
    assert (saved.manifest.classes, saved.manifest.few_shot) == (NAMES, None)
    assert saved.manifest.task.kind is TaskKind.CLASSIFICATION
    assert saved.network.output_shape == (2,)
    assert saved.distinct == (2, 3)
    assert saved.notes == ("support image 1 equals image 0 and counts once",)
    images = torch.rand(3, 3, SIDE, SIDE)
    with torch.no_grad():
        stored = read_program(tmp_path / saved.program)(images)
        torch.testing.assert_close(stored, result.network(images))


def test_one_picture_of_two_classes_is_refused(learner: Program) -> None:
    support = frames(6, 0)
    support[2] = support[0]

    with pytest.raises(SupportConflictError, match="'first' and 'second'"):
        run(data(learner, support), FewShotAdaptationParams(), silent)
