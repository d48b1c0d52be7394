"""Colors of a lineage for the light and the dark theme, and the style sheet that uses them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from string import Template

from service.core.theme import Theme


@dataclass(frozen=True)
class LineageColors:
    """Colors by purpose, as ``#rrggbb``.

    Attributes:
        page: Background of the picture; ``paper`` is that of a network.
        ink: Titles; ``soft`` is for lines below them, ``pale`` for the text of deleted nodes.
        neutral: Frames, and edges from teachers.
        network: Networks; a running job has the same color.
        data: Datasets and edges from them; a job that succeeded has the same color.
        accent: The network of the lineage, and edges from a start.
        student: Edges to students.
        failed: A job that failed.
        cancelled: A job that was cancelled.
    """

    page: str
    paper: str
    ink: str
    soft: str
    pale: str
    neutral: str
    network: str
    job_fill: str
    job_frame: str
    data: str
    data_fill: str
    data_frame: str
    accent: str
    accent_fill: str
    gone_fill: str
    gone_frame: str
    student: str
    failed: str
    cancelled: str


COLORS: Mapping[Theme, LineageColors] = {
    Theme.LIGHT: LineageColors(
        page="#ffffff",
        paper="#ffffff",
        ink="#1e293b",
        soft="#475569",
        pale="#64748b",
        neutral="#64748b",
        network="#2563eb",
        job_fill="#eef2ff",
        job_frame="#c7d2fe",
        data="#0d9668",
        data_fill="#ecfdf5",
        data_frame="#a7d8c4",
        accent="#d97706",
        accent_fill="#fffbeb",
        gone_fill="#f8fafc",
        gone_frame="#cbd5e1",
        student="#4f46e5",
        failed="#dc2626",
        cancelled="#f59e0b",
    ),
    Theme.DARK: LineageColors(
        page="#14181f",
        paper="#1e2530",
        ink="#e8eaed",
        soft="#b6bfcc",
        pale="#8b96a5",
        neutral="#8b96a5",
        network="#6ea8fe",
        job_fill="#262b4a",
        job_frame="#4b5591",
        data="#34d399",
        data_fill="#14322a",
        data_frame="#2f6b57",
        accent="#fbbf24",
        accent_fill="#3a2d10",
        gone_fill="#191e26",
        gone_frame="#475569",
        student="#a5a0ff",
        failed="#f87171",
        cancelled="#fbbf24",
    ),
}

_STYLE = Template("""
text{font-family:Inter,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif;fill:$ink}
.heading{font-size:19px;font-weight:600}.about{font-size:12px;fill:$pale}
.title{font-size:13.5px;font-weight:600}.line{font-size:11px;fill:$soft}
.model rect{fill:$paper;stroke:$neutral}.model .mark{fill:$network;stroke:none}
.job rect{fill:$job_fill;stroke:$job_frame}.dataset rect{fill:$data_fill;stroke:$data_frame}
.dataset .mark{fill:$data;stroke:none}
.chosen rect{fill:$accent_fill;stroke:$accent;stroke-width:2}.chosen .mark{fill:$accent}
.gone rect{fill:$gone_fill;stroke:$gone_frame;stroke-dasharray:5 4}.gone text{fill:$pale}
.gone .mark{fill:$gone_frame}
.state{stroke:$page}.succeeded{fill:$data}.running{fill:$network}.queued{fill:$neutral}
.failed{fill:$failed}.cancelled{fill:$cancelled}
.edge{fill:none;stroke-width:1.6}.teacher,.source{stroke:$neutral}
.edge.dataset{stroke:$data}
.start{stroke:$accent;stroke-dasharray:6 4}
.eval_dataset{stroke:$data;stroke-dasharray:1.5 4.5;stroke-linecap:round;stroke-width:2}
.student{stroke:$student;stroke-width:2}
.confirmed,.suggested{stroke:$network}.suggested{stroke-dasharray:6 4}
""")


def style_of(colors: LineageColors) -> str:
    """The style sheet in these colors."""
    return _STYLE.substitute(asdict(colors))
