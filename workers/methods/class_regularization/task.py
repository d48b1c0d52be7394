"""The training of a few-shot learner: base classes, networks, one stage."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from service.core.catalog.class_regularization import ClassRegularizationParams
from service.core.manifest import ModelManifest, TaskKind
from workers.methods.class_regularization.base_classes import base_classes
from workers.methods.class_regularization.base_features import WHITENED, BaseFeatures
from workers.methods.class_regularization.episodes import Episodes, EpisodeSize, draw_episodes
from workers.methods.class_regularization.evaluator import EpisodeEvaluator
from workers.methods.class_regularization.heads import ClassDomain
from workers.methods.class_regularization.maths import code, entropy
from workers.methods.class_regularization.network import (
    EpisodicNetwork,
    FeatureSpace,
    FewShotNetwork,
)
from workers.methods.class_regularization.outside import outside_distance
from workers.methods.class_regularization.rows import (
    STUDENT,
    TrainedRow,
    rows_of_bodies,
    rows_on_frozen_features,
)
from workers.programs.trainable import TrainableProgram
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.loop import OptimizerGroup, Training, TrainingStage, TrainingStep
from workers.torchkit.training.task import Findings, ImageInputs
from workers.torchkit.training.teachers import Head
from workers.torchkit.training.transfers import require_free_batch

_AT_ONCE = 256


class FewShotTask:
    """Source, learner, baselines and base images.

    Raises:
        NotTransferableError: Too few base classes, too many features, or a source with a fixed
            batch size.
    """

    task = TaskKind.EMBEDDING
    head = Head((), ())

    def __init__(self, inputs: ImageInputs, params: ClassRegularizationParams) -> None:
        self._source, self._params = inputs.teachers[0], params
        program = self._source.program
        require_free_batch(program)
        self._base = base_classes(inputs, params)
        self.spec = self._source.input
        self.trained_on = (
            f"{len(self._base.frames)} images of {len(self._base.names)} base classes"
        )
        self._layer = params.layer or program.feature_layer
        self._features = BaseFeatures(self._base, self._source, self._layer)
        generator = torch.Generator().manual_seed(params.seed)
        self._space = self._features.chosen(params.whiten, generator)
        domain = ClassDomain(
            self._features.units,
            len(self._base.names),
            generator,
            first_prior=params.starting_prior,
        )
        self._student = FewShotNetwork(*self._body_and_space(), domain).to(program.device)
        self._rows = self._all_rows(generator)
        self._bodies: Mapping[str, EpisodicNetwork] = (
            {name: self._with_body(name) for name in self._rows} if params.body_rate > 0 else {}
        )
        self.training = Training(self._networks(), generator)
        self._evaluator: EpisodeEvaluator | None = None

    @property
    def student(self) -> nn.Module:
        """Body, space and class domain."""
        return self._student

    def stages(self) -> Sequence[TrainingStage]:
        """One stage: episodes of base classes."""
        return [TrainingStage("episodes", 1.0, self._begin)]

    def recipe(self) -> Mapping[str, Any]:
        """The layer of the cut."""
        return {"layer": self._layer}

    def pictures(self) -> Mapping[str, bytes]:
        """The meta shift, once the comparison is made."""
        return {} if self._evaluator is None else self._evaluator.pictures()

    def numbers(self) -> Mapping[str, float]:
        """Weight of the class domain for one image, and the mean entropy of codes in nats.

        Codes are those of base images under the source as it is.
        """
        domain = self._student.head
        with torch.no_grad():
            codes = code(self._features.within(self._space), domain.weight, domain.bias)
            return {"class_share": float(domain.share(1)), "code_entropy": float(entropy(codes))}

    def evaluator(self, evaluation_set: EvaluationSet | None) -> EpisodeEvaluator:
        """Measures on episodes of novel classes; the only reader of their images."""
        self._evaluator = EpisodeEvaluator(
            evaluation_set,
            source=self._source,
            features=self._features,
            frozen=TrainableProgram(self._source.program, self._layer),
            rows=self._rows,
            bodies=self._bodies,
            base_names=self._base.names,
            seed=self._params.seed,
        )
        return self._evaluator

    def described(self, manifest: ModelManifest) -> ModelManifest:
        """The manifest of a learner: no classes, but how it compares images."""
        distance = outside_distance(
            self._embedded_base(), self._base.labels, self._student.head, seed=self._params.seed
        )
        head = self._student.comparison(distance)
        changes = {"classes": None, "few_shot": head, "tags": ("student", "few-shot")}
        return manifest.model_copy(update=changes)

    def findings(self) -> Findings:
        """Base and novel classes, whitening, and the comparison with its episodes."""
        assert self._evaluator is not None, "findings follow the evaluation"
        return self._evaluator.findings(
            {
                "base_classes": list(self._base.names),
                "left_out_classes": list(self._base.left_out),
                "whitened": self._space == WHITENED,
                "first_prior": self._params.starting_prior,
            }
        )

    def _body_and_space(self) -> tuple[nn.Module, FeatureSpace]:
        body = TrainableProgram(self._source.program, self._layer)
        return body, self._features.spaces[self._space]

    def _with_body(self, name: str) -> EpisodicNetwork:
        """A row's head on a body of its own."""
        if name == STUDENT:
            return self._student
        network = EpisodicNetwork(*self._body_and_space(), self._rows[name].head)
        return network.to(self._source.program.device)

    def _all_rows(self, generator: torch.Generator) -> Mapping[str, TrainedRow]:
        domain, device = self._student.head, self._source.program.device
        if self._params.body_rate > 0:
            rows = rows_of_bodies(domain, self._space, self._params, generator)
        else:
            rows = rows_on_frozen_features(domain, self._space, self._params, generator)
        for row in rows.values():
            row.head.to(device)
        return rows

    def _networks(self) -> dict[str, nn.Module]:
        """Everything that learns; the learner with its body is the student."""
        others = {
            name: self._bodies.get(name, row.head)
            for name, row in self._rows.items()
            if name != STUDENT
        }
        return {"student": self._student, **others}

    def _begin(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        step = self._step_of_bodies if self._bodies else self._step_of_heads
        return {name: self._group(name) for name in self._rows}, step

    def _group(self, name: str) -> OptimizerGroup:
        """AdamW for a head, and for its body at ``body_rate``."""
        params = self._params
        groups = [{"params": list(self._rows[name].head.parameters()), "share": 1.0}]
        if name in self._bodies:
            body = list(self._bodies[name].body.parameters())
            groups.append({"params": body, "share": params.body_rate})
        rate = params.learning_rate
        optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=params.weight_decay)
        return OptimizerGroup(optimizer, rate)

    def _draw(self) -> Episodes:
        """As many episodes as the batch holds, at least one."""
        params = self._params
        ways = min(params.ways, len(self._base.names))
        size = EpisodeSize(ways, params.shots, params.queries)
        count = max(1, params.batch_size // (ways * size.images_per_class))
        generator = self.training.generator
        return draw_episodes(self._base.labels, size, count=count, generator=generator)

    def _step_of_heads(self) -> dict[str, Tensor]:
        """One step of every head on the same episodes of cached features."""
        episodes, losses = self._draw(), {}
        for name, row in self._rows.items():
            features = self._features.within(row.space)
            queries = features[episodes.queries].flatten(1, 2)
            losses[name] = self._learned(name, features[episodes.support], queries, episodes)
        return losses[STUDENT]

    def _step_of_bodies(self) -> dict[str, Tensor]:
        """One step of every network on the same episodes of images."""
        episodes, losses = self._draw(), {}
        drawn = torch.cat([episodes.support, episodes.queries], dim=2)
        images = self._source.of_frames(self._base.frames[drawn.flatten()])
        for name, network in self._bodies.items():
            features = network.embed(images).reshape(*drawn.shape, -1)
            shots = episodes.support.shape[2]
            support, queries = features[:, :, :shots], features[:, :, shots:].flatten(1, 2)
            losses[name] = self._learned(name, support, queries, episodes)
        return losses[STUDENT]

    def _learned(
        self, name: str, support: Tensor, queries: Tensor, episodes: Episodes
    ) -> dict[str, Tensor]:
        """The losses of a row, after its step."""
        losses = self._rows[name].losses(support, queries, episodes)
        self.training.learn(name, torch.stack(list(losses.values())).sum())
        return {part: loss.detach() for part, loss in losses.items()}

    def _embedded_base(self) -> Tensor:
        """Base features as the learner sees them now."""
        if not self._bodies:
            return self._features.within(self._space)
        parts = self._base.frames.split(_AT_ONCE)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            return torch.cat([self._student.embed(self._source.of_frames(part)) for part in parts])
