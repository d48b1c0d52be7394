"""The alignment of audio and video frames as a picture."""

import io
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from workers.methods.lip_by_speech.teacher_features import TeacherClip

ALIGNMENT = "alignment.png"


def alignment_picture(shown: Sequence[tuple[Tensor, TeacherClip, Tensor]]) -> bytes:
    """A PNG: for each clip, audio time upwards, video time to the right, dark where frames align."""
    figure = Figure(figsize=(2.6 * len(shown), 2.8), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for number, (panel, (alignment, clip, times)) in enumerate(zip(panels, shown, strict=True)):
        panel.imshow(
            alignment.numpy(),
            cmap="Greys",
            origin="lower",
            aspect="auto",
            extent=(0, float(times[-1]), 0, float(clip.times[-1])),
        )
        panel.set_title(f"clip {number + 1}", fontsize=9)
        panel.set_xlabel("video in seconds", fontsize=8)
        panel.set_ylabel("sound in seconds", fontsize=8)
        panel.tick_params(labelsize=7)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return file.getvalue()
