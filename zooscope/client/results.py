"""What the zoo answers, field by field: plain dictionaries whose keys are known.

Generated from the OpenAPI document by `deploy/client_types.py`. A key that an answer may lack is
``NotRequired``.
"""

from typing import Any, Literal, NotRequired, TypedDict


class Task(TypedDict):
    """The kind of task and a free description."""

    kind: NotRequired[
        Literal[
            "classification",
            "multi_label",
            "segmentation",
            "detection",
            "regression",
            "autoencoding",
            "denoising",
            "edges",
            "depth",
            "embedding",
            "recognition",
            "other",
        ]
    ]
    text: NotRequired[str]


class Architecture(TypedDict):
    """A network from a library: its name and the arguments of its constructor."""

    library: NotRequired[Literal["timm", "torchvision"]]
    name: str
    arguments: NotRequired[dict[str, Any]]


class InputSpec(TypedDict):
    """How a canonical RGB square in [0, 1] becomes the network's input.

    input = (low + (high - low) * x - mean) / std per channel, with ``range`` = (low, high).
    One channel means ITU-R 601 luma; BGR reverses the channels before normalization, so ``mean``
    and ``std`` are in the network's own channel order.
    """

    channels: NotRequired[Literal[1, 3]]
    height: int
    width: int
    range: NotRequired[list[float]]
    mean: NotRequired[list[float]]
    std: NotRequired[list[float]]
    channel_order: NotRequired[Literal["RGB", "BGR"]]


class Rejection(TypedDict):
    """Why a model or dataset was rejected, or an image left out, then with its ``name``."""

    code: str
    detail: str
    remedy: NotRequired[str | None]
    name: NotRequired[str | None]


class Model(TypedDict):
    """A network of the zoo."""

    id: str
    name: str
    state: Literal["pending", "uploaded", "checking", "ready", "rejected"]
    task: Task
    format: str
    architecture: NotRequired[Architecture | None]
    input: NotRequired[InputSpec | None]
    classes: NotRequired[list[str] | None]
    feature_layer: NotRequired[str | None]
    output_kind: NotRequired[str | None]
    parameters: NotRequired[int | None]
    flops: NotRequired[int | None]
    sha256: NotRequired[str | None]
    size_bytes: NotRequired[int | None]
    trained_on: NotRequired[str]
    tags: list[str]
    license: NotRequired[str]
    problems: list[Rejection]
    lineage: NotRequired[dict[str, Any] | None]
    job_id: NotRequired[str | None]
    created_at: str
    etag: str


class Layer(TypedDict):
    """A layer that can be read or cut at; ``shape`` is that of its output for one image."""

    name: str
    kind: str
    shape: list[int]


class LayerList(TypedDict):
    """All layers of a model in the order of execution, and the default feature layer."""

    model_id: str
    feature_layer: str | None
    items: list[Layer]


class LineageNode(TypedDict):
    """A network, job or dataset of a lineage.

    ``name`` is the method of a job, and empty if it is no longer known; ``state`` is its own, or
    ``gone`` after its removal. ``measured`` is a network's quality when it was made.
    """

    id: str
    kind: Literal["model", "job", "dataset"]
    name: str
    state: str
    task: NotRequired[str | None]
    parameters: NotRequired[int | None]
    measured: dict[str, float]
    images: NotRequired[int | None]
    seed: NotRequired[int | None]
    budget: NotRequired[dict[str, Any] | None]


class LineageEdge(TypedDict):
    """From an input to the job that uses it, or from a job to the student that it made."""

    source: str
    target: str
    role: Literal["teacher", "source", "start", "dataset", "eval_dataset", "student"]


class LineageNote(TypedDict):
    """Something that the lineage does not show, and how to see it."""

    code: Literal["too_many_nodes", "more_generations"]
    detail: str
    remedy: str


class Lineage(TypedDict):
    """What a network was made from, and what was made from it; each node appears once."""

    model_id: str
    nodes: list[LineageNode]
    edges: list[LineageEdge]
    notes: list[LineageNote]


class UploadProgress(TypedDict):
    """An upload; ``offset`` is the next byte to send."""

    id: str
    offset: int
    size: int
    sha256: str | None
    filename: str
    state: Literal["receiving", "complete", "used"]
    created_at: str
    expires_at: str


class Dataset(TypedDict):
    """A set of images. ``sha256`` is the digest of its ordered images and labels."""

    id: str
    name: str
    state: Literal["uploaded", "checking", "ready", "rejected"]
    images: int | None
    labels: NotRequired[list[str] | None]
    sha256: str | None
    canonical_side: NotRequired[int | None]
    tags: list[str]
    license: NotRequired[str]
    problems: list[Rejection]
    job_id: NotRequired[str | None]
    created_at: str
    etag: str


class Image(TypedDict):
    """One image of a set, at a position counted from 0."""

    index: int
    name: str
    label: int | None
    media_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str


class Neighbor(TypedDict):
    """A model near another one.

    ``exact`` marks a full comparison. A comparison of sketches is off by more than ``error`` in at
    most one of a hundred cases.
    """

    rank: int
    model_id: str
    name: str
    score: float
    node_similarity: float | None
    edge_similarity: float | None
    exact: bool
    error: float | None


class Neighbors(TypedDict):
    """The models nearest to a model, on one probe set."""

    model_id: str
    dataset_id: str
    edge_weight: float
    items: list[Neighbor]


class JobProgress(TypedDict):
    """Progress of a job: `step` of `total`, which is 0 if it is unknown.

    A training with a budget of seconds counts seconds.
    """

    step: NotRequired[int]
    total: NotRequired[int]
    message: NotRequired[str]


class JobError(TypedDict):
    """Why a job failed, and what to do about it."""

    code: NotRequired[str]
    detail: NotRequired[str]
    remedy: NotRequired[str | None]


class Job(TypedDict):
    """One asynchronous run of a method."""

    id: str
    method: str
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    progress: JobProgress
    params: dict[str, Any]
    inputs: dict[str, Any]
    result: NotRequired[dict[str, Any] | None]
    error: NotRequired[JobError | None]
    attempts: int
    created_at: str
    started_at: NotRequired[str | None]
    finished_at: NotRequired[str | None]


class ClassProbability(TypedDict):
    """A class of the network and how likely it is; ``name`` if the manifest names it."""

    index: int
    name: str | None
    probability: float


class ImageClasses(TypedDict):
    """The likeliest classes of one image, likeliest first."""

    image: int
    classes: list[ClassProbability]


class ClassPrediction(TypedDict):
    """The likeliest classes of every image that was sent."""

    model_id: str
    output: NotRequired[Literal["classes"]]
    items: list[ImageClasses]


class RankingItem(TypedDict):
    """A model's rank.

    Where networks are compared, ``interval`` holds 90 % of the scores over resampled probes. For
    ``fused``, ``score`` and ``mean`` are the expected accuracy, ``interval`` holds it with
    probability 80 %, ``p_best`` is the probability that no other candidate is better,
    ``expected_regret`` what choosing this one is expected to lose, ``measured`` the run on the
    target itself that went in.
    """

    rank: int
    model_id: str
    name: str
    score: float
    node_similarity: float | None
    edge_similarity: float | None
    interval: list[float] | None
    valid_probes: int | None
    mean: NotRequired[float | None]
    deviation: NotRequired[float | None]
    p_best: NotRequired[float | None]
    expected_regret: NotRequired[float | None]
    measured: NotRequired[float | None]


class Unranked(TypedDict):
    """A candidate without a rank, and why."""

    model_id: str
    code: str
    detail: str


class BaselineItem(TypedDict):
    """The value of a baseline for a candidate."""

    model_id: str
    value: float


class Reason(TypedDict):
    """Why something is not there."""

    code: str
    detail: str


class Baseline(TypedDict):
    """An order that never saw the target, best first; null with the reason when there is none.

    ``static`` is the mean standardized accuracy on the recorded datasets but the target,
    ``parameters`` and ``upstream_accuracy`` prefer the larger.
    """

    name: str
    items: list[BaselineItem] | None
    reason: NotRequired[Reason | None]


class BestSet(TypedDict):
    """Smallest set of candidates that holds the best of them with probability ``coverage``."""

    model_ids: list[str]
    coverage: float
    probability: float


class Ranking(TypedDict):
    """Models ordered for one target; items and baselines are empty while it is pending.

    With the metric ``fused`` there are also the ``best_set``, the ``expected_regret`` of choosing
    the first, the models to measure next, and the share of each kind of evidence.
    """

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: NotRequired[str | None]
    metric: Literal[
        "attribution",
        "depara",
        "depara_plus",
        "logme",
        "h_score",
        "leep",
        "nce",
        "n_leep",
        "trans_rate",
        "parc",
        "linear_cka",
        "rsa",
        "gbc",
        "knn",
        "ridge_probe",
        "linear_probe",
        "fused",
    ]
    edge_weight: float
    target_model_id: str | None
    target_dataset_id: NotRequired[str | None]
    probe_set_id: str
    items: list[RankingItem]
    unranked: list[Unranked]
    baselines: NotRequired[list[Baseline]]
    best_set: NotRequired[BestSet | None]
    expected_regret: NotRequired[float | None]
    measure_next: NotRequired[list[str] | None]
    evidence: NotRequired[dict[str, float] | None]
    error: NotRequired[JobError | None]
    progress: NotRequired[JobProgress | None]
    cache_key: str
    created_at: str


class LayerChoice(TypedDict):
    """The layer with the greatest score, the deepest of equals, and its margin to the next."""

    layer: str
    score: float
    interval: list[float]
    runner_up: str | None
    margin: float | None


class LayerBaselines(TypedDict):
    """The choices without a comparison: the middle candidate and the deepest."""

    middle: str
    deepest: str


class LayerScore(TypedDict):
    """A candidate layer against the target; what is null could not be compared.

    ``depth`` is the share of the source's layers that end no later, ``operations_share`` that of
    its operations; ``interval`` holds 90 % of the scores over resampled probes.
    """

    layer: str
    kind: str
    shape: list[int]
    depth: float
    operations_share: float | None
    status: Literal["ok", "degenerate", "constant_edges", "unusable"]
    detail: str | None
    valid_probes: int
    node_similarity: float | None
    edge_similarity: float | None
    score: float | None
    interval: list[float] | None


class LayerSelection(TypedDict):
    """The layer of a network to build a target on, scored with ``edge_weight``."""

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: str | None
    source_model_id: str
    target_model_id: str
    target_layer: str
    probe_set_id: str
    edge_weight: float
    choice: LayerChoice | None
    baselines: LayerBaselines | None
    layers: list[LayerScore]
    error: NotRequired[JobError | None]
    progress: NotRequired[JobProgress | None]
    cache_key: str
    created_at: str


class Accuracy(TypedDict):
    """A measured accuracy of a network on a dataset; ``value`` is a share from 0 to 1."""

    id: str
    model: str
    dataset: str
    metric: str
    value: float
    protocol: Literal["fine_tune", "linear_probe", "zero_shot", "other"]
    seed: NotRequired[int | None]
    source: str
    job_id: NotRequired[str | None]
    created_at: str


class AddedAccuracies(TypedDict):
    """The accuracies of a request in its order; ``new`` of them were not known before."""

    items: list[Accuracy]
    new: int


class MapSnapshot(TypedDict):
    """A map in the list of a dataset's maps."""

    id: str
    job_id: str
    layout_id: str
    created_at: str
    models: int
    stress: float
    params: dict[str, Any]


class Map(TypedDict):
    """How the measured networks of a probe set relate; ``document`` is the drawn map.

    Maps with one ``layout_id`` show a network that they share at the same position.
    """

    id: str
    dataset_id: str
    job_id: str
    layout_id: str
    created_at: str
    document: dict[str, Any]


class Method(TypedDict):
    """A method of the catalog, with JSON schemas of its inputs and parameters."""

    name: str
    title: str
    family: str
    version: int
    source: str
    inputs: dict[str, Any]
    params: dict[str, Any]
    result: str


class JobEvent(TypedDict):
    """Something that happened to a job; ``seq`` counts from 1 without gaps."""

    seq: int
    at: str
    type: str
    data: dict[str, Any]


class Artifact(TypedDict):
    """A file that a job produced."""

    id: str
    job_id: str
    name: str
    media_type: str
    sha256: str
    size_bytes: int
    created_at: str


class IssuedKey(TypedDict):
    """A new key with its token, which is shown only now."""

    id: str
    name: str
    project: str
    scopes: list[str]
    created_at: str
    revoked_at: NotRequired[str | None]
    token: str


class Key(TypedDict):
    """An API key, without its secret."""

    id: str
    name: str
    project: str
    scopes: list[str]
    created_at: str
    revoked_at: NotRequired[str | None]
