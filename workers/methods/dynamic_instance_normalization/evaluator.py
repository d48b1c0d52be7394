"""Evaluation of stylizers on contents and styles from which no training step learns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from service.core.manifest import InputSpec
from workers.methods.dynamic_instance_normalization.held_out_maps import HeldOutMaps
from workers.methods.dynamic_instance_normalization.loss_network import LossNetwork
from workers.methods.dynamic_instance_normalization.maths import (
    content_loss,
    patch_distance,
    style_loss,
)
from workers.methods.dynamic_instance_normalization.networks import PaintingBatch, Paints
from workers.methods.dynamic_instance_normalization.pictures import (
    SHEET,
    SHEET_SIDE,
    center_crops,
    contact_sheet,
)
from workers.torchkit.attribution.module_reader import evaluating
from workers.torchkit.training.task import Findings

STUDENT = "student"
_MOST_PAIRS, _QUICK_PAIRS = 32, 8
_MEASURES = ("content_loss", "style_loss", "patch_distance")
_LEVELS = 255

Numbers = dict[str, float]


class StyleEvaluator:
    """Measures on held-out pairs; without a content and a style it returns no numbers.

    Args:
        networks: The stylizer as ``student``, and its rivals by name.
    """

    def __init__(
        self,
        contents: UInt8[Tensor, "image side side 3"],
        styles: UInt8[Tensor, "style style_side style_side 3"],
        *,
        loss_network: LossNetwork,
        networks: Mapping[str, nn.Module],
        size: int,
        device: torch.device,
    ) -> None:
        count = min(_MOST_PAIRS, len(styles)) if len(contents) else 0
        pairs = torch.arange(count) % max(1, len(contents))
        self._pairs: list[int] = pairs.tolist()
        self._contents = center_crops(contents[:count], size).to(device)
        self._styles = center_crops(styles[:count], size).to(device)
        self._loss_network, self._networks = loss_network, networks
        self._content_maps = HeldOutMaps(loss_network, self._contents)
        self._style_maps = HeldOutMaps(loss_network, self._styles)
        self._quality: Numbers = {}

    def evaluate(self, student: nn.Module, spec: InputSpec) -> Numbers:
        """The stylizer's measures on the first pairs."""
        del student, spec
        return self._measures(STUDENT, _QUICK_PAIRS)

    def final(self, student: nn.Module, spec: InputSpec) -> Numbers:
        """Measures of all networks on all pairs, and those of the contents as they are."""
        del student, spec
        if not len(self._styles):
            return {}
        numbers = self._measures(STUDENT, _MOST_PAIRS)
        copies = self._against(self._copies())
        numbers |= {f"copy_{name}": copies[name] for name in _MEASURES[1:]}
        numbers["style_difference"] = self._style_difference()
        for name in self._networks:
            if name != STUDENT:
                own = self._measures(name, _MOST_PAIRS)
                numbers |= {f"{name}_{measure}": value for measure, value in own.items()}
        self._quality = numbers
        return numbers

    def pictures(self) -> dict[str, bytes]:
        """Up to four held-out contents in four held-out styles."""
        count = min(SHEET_SIDE, len(self._styles))
        if not count:
            return {}
        shown = self._pairs[:count]
        painted = [
            torch.cat([*self._painted(STUDENT, [content] * count, range(count))]).cpu()
            for content in shown
        ]
        contents, styles = self._contents[shown].cpu(), self._styles[:count].cpu()
        return {SHEET: contact_sheet(contents, styles, painted)}

    def findings(self, facts: Mapping[str, Any]) -> Findings:
        """The facts, with a table of all networks for readers."""
        if not self._quality:
            return Findings(details=facts)
        words = (
            f"On {len(self._styles)} held-out styles, each on a held-out content. Layers that"
            f" measure: {', '.join(facts['loss_layers'])}; contents at {facts['content_layer']}."
            " Lower is better; `copy` is the content as it is."
        )
        return Findings(details=facts, paragraphs=(words, self._table()))

    def _table(self) -> str:
        titles = ("network", *(name.replace("_", " ") for name in _MEASURES))
        rows = [["---"] * len(titles)]
        for name in (*self._networks, "copy"):
            prefix = "" if name == STUDENT else f"{name}_"
            values = [self._quality.get(f"{prefix}{measure}", 0.0) for measure in _MEASURES]
            rows.append([name, *(f"{value:.3f}" for value in values)])
        return "\n".join("| " + " | ".join(row) + " |" for row in (titles, *rows))

    def _measures(self, name: str, pairs: int) -> Numbers:
        count = min(pairs, len(self._styles))
        if not count:
            return {}
        painted = self._painted(name, self._pairs[:count], range(count))
        return self._against((picture, self._loss_network(picture)) for picture in painted)

    def _painted(
        self, name: str, contents: Sequence[int], styles: Sequence[int]
    ) -> Iterator[Float[Tensor, "image 3 row column"]]:
        """Contents in styles, by their indices, in parts."""
        with torch.no_grad(), evaluating(self._networks[name]) as network:
            assert isinstance(network, Paints)
            for start in range(0, len(contents), _QUICK_PAIRS):
                part = slice(start, start + _QUICK_PAIRS)
                yield network.paint(self._batch(contents[part], styles[part]))

    def _batch(self, contents: Sequence[int], styles: Sequence[int]) -> PaintingBatch:
        maps = self._loss_network.content(self._content_maps.of(contents))
        own = self._contents[list(contents)]
        return PaintingBatch(own, self._styles[list(styles)], maps, self._style_maps.of(styles))

    def _copies(self) -> Iterator[tuple[Tensor, Sequence[Tensor]]]:
        """The contents of all pairs as they are, with their maps, in parts."""
        for start in range(0, len(self._pairs), _QUICK_PAIRS):
            contents = self._pairs[start : start + _QUICK_PAIRS]
            yield self._contents[contents], self._content_maps.of(contents)

    def _against(self, drawn: Iterable[tuple[Tensor, Sequence[Tensor]]]) -> Numbers:
        """Mean measures of pictures, with their maps, in place of the pairs, in parts."""
        network, values, count = self._loss_network, [], 0
        with torch.no_grad():
            for own, maps in drawn:
                styles = range(count, count + len(own))
                contents = [self._pairs[pair] for pair in styles]
                content_maps = network.content(self._content_maps.of(contents))
                losses = (
                    content_loss(network.content(maps), content_maps),
                    style_loss(maps, self._style_maps.of(styles)),
                    patch_distance(own, self._styles[list(styles)]),
                )
                values.append(torch.stack(losses) * len(own))
                count += len(own)
        means = torch.stack(values).sum(0) / count
        return dict(zip(_MEASURES, means.tolist(), strict=True))

    def _style_difference(self) -> float:
        """Mean difference in gray levels of one content in pairs of neighboring styles."""
        styles = range(min(_QUICK_PAIRS, len(self._styles)))
        painted = torch.cat([*self._painted(STUDENT, [0] * len(styles), styles)])
        return float((painted - painted.roll(1, dims=0)).abs().mean()) * _LEVELS
