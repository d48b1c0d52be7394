"""Lineages to draw, written by hand or drawn by lot."""

import random
from collections.abc import Iterator

from service.core.lineage.graph import GONE, Edge, Kind, LineageGraph, Node, Role


def model(name: str, **about: object) -> Node:
    return Node(f"mdl_{name}", Kind.MODEL, name, "ready", **about)  # type: ignore[arg-type]


def job(name: str, method: str = "knowledge_distillation") -> Node:
    return Node(f"job_{name}", Kind.JOB, method, "succeeded", seed=3, budget={"steps": 100})


def dataset(name: str) -> Node:
    return Node(f"dst_{name}", Kind.DATASET, name, "ready", images=40)


def taught(
    student: str, teachers: str, *, dataset: str = "", eval_dataset: str = ""
) -> Iterator[Edge]:
    """The edges around the job that made a student; it is called like the student."""
    for name in teachers.split():
        yield Edge(f"mdl_{name}", f"job_{student}", Role.TEACHER)
    if dataset:
        yield Edge(f"dst_{dataset}", f"job_{student}", Role.DATASET)
    if eval_dataset:
        yield Edge(f"dst_{eval_dataset}", f"job_{student}", Role.EVAL_DATASET)
    yield Edge(f"job_{student}", f"mdl_{student}", Role.STUDENT)


def three_generations() -> LineageGraph:
    """A diamond: ``fox`` and ``hen`` share a teacher, ``hare`` learned from both and a gone one."""
    quality = {"accuracy": 0.931, "retention": 0.968}
    models = [
        model("owl", task="classification", parameters=2_345_000),
        model("elk & <son>", task="segmentation"),
        model("fox", measured=quality),
        model("hen", measured={"mean_iou": 0.5}),
        model("hare", measured=quality),
        model("a name so long that no box of any picture has ever had the room for all of it"),
        Node("mdl_lost", Kind.MODEL, "", GONE),
    ]
    jobs = [job("fox"), job("hen", "adversarial_distillation"), job("hare")]
    edges = [
        *taught("fox", "owl", dataset="sea"),
        *taught("hen", "owl", eval_dataset="sky"),
        *taught("hare", "fox hen lost", dataset="sea", eval_dataset="sky"),
        Edge("mdl_elk & <son>", "job_hen", Role.TEACHER),
        Edge(models[5].id, "job_hare", Role.TEACHER),
    ]
    return LineageGraph("mdl_hen", (*models, *jobs, dataset("sea"), dataset("sky")), tuple(edges))


def a_random_one(seed: int) -> LineageGraph:
    """Some thirty networks, each from up to four earlier ones, with a few datasets."""
    draw = random.Random(seed)
    names = [f"{number}-{'x' * draw.randint(0, 30)}" for number in range(30)]
    nodes = [*map(model, names), dataset("sea"), dataset("sky")]
    edges: list[Edge] = []
    for index, name in enumerate(names[3:], start=3):
        teachers = draw.sample(names[:index], draw.randint(1, min(4, index)))
        nodes.append(job(name))
        images, eval_images = draw.choice(["sea", ""]), draw.choice(["sky", "sea", ""])
        edges += taught(name, " ".join(teachers), dataset=images, eval_dataset=eval_images)
    return LineageGraph(f"mdl_{names[5]}", tuple(nodes), tuple(edges))
