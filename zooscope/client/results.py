"""What the zoo answers, field by field: plain dictionaries with known keys.

A key that the zoo leaves out of an answer is absent, hence ``NotRequired``.
"""

from typing import Any, Literal, NotRequired, TypedDict

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class Problem(TypedDict):
    """Why something was refused or failed."""

    code: str
    detail: str
    remedy: NotRequired[str | None]


class Model(TypedDict):
    """A network of the zoo."""

    id: str
    name: str
    state: Literal["pending", "uploaded", "checking", "ready", "rejected"]
    task: dict[str, str]
    format: str
    architecture: NotRequired[dict[str, Any] | None]
    input: dict[str, Any]
    classes: NotRequired[list[str] | None]
    feature_layer: str | None
    parameters: int | None
    flops: int | None
    sha256: str | None
    tags: list[str]
    license: str
    problems: list[Problem]
    lineage: NotRequired[dict[str, Any] | None]
    created_at: str
    etag: str
    job_id: NotRequired[str | None]


class Layer(TypedDict):
    """One place in a network that can be read or cut; ``shape`` is without the batch."""

    name: str
    kind: str
    shape: list[int]


class Neighbor(TypedDict):
    """A network near another one.

    ``exact`` tells a full comparison from one of sketches, whose score is off by more than
    ``error`` at most once in a hundred times.
    """

    rank: int
    model_id: str
    name: str
    score: float
    node_similarity: float | None
    edge_similarity: float | None
    exact: bool
    error: float | None


class Dataset(TypedDict):
    """A set of images."""

    id: str
    name: str
    state: Literal["uploaded", "checking", "ready", "rejected"]
    images: int | None
    labels: NotRequired[list[str] | None]
    sha256: str | None
    problems: NotRequired[list[Problem]]
    created_at: str


class JobProgress(TypedDict):
    """How far a job is; ``total`` 0 means not known. A budget of seconds is counted in those."""

    step: int
    total: int
    message: str


class Job(TypedDict):
    """One run of a method."""

    id: str
    method: str
    state: JobState
    progress: JobProgress
    params: dict[str, Any]
    inputs: dict[str, Any]
    result: NotRequired[dict[str, Any] | None]
    error: NotRequired[Problem | None]
    attempts: int
    created_at: str
    started_at: NotRequired[str | None]
    finished_at: NotRequired[str | None]


class JobEvent(TypedDict):
    """Something that happened to a job; ``seq`` counts from 1 without gaps."""

    seq: int
    at: str
    type: str
    data: dict[str, Any]


class Artifact(TypedDict):
    """A file that a job produced."""

    id: str
    name: str
    media_type: str
    sha256: str
    size_bytes: int


class RankingItem(TypedDict):
    """A network's place.

    ``interval`` holds 90 % of its scores over resampled probes; with the metric ``fused``, the
    accuracy on the target with probability 80 %. ``mean`` and what follows come with ``fused``.
    """

    rank: int
    model_id: str
    name: str
    score: float
    node_similarity: NotRequired[float | None]
    edge_similarity: NotRequired[float | None]
    interval: list[float] | None
    valid_probes: int | None
    mean: NotRequired[float]
    deviation: NotRequired[float]
    p_best: NotRequired[float]
    expected_regret: NotRequired[float]
    measured: NotRequired[float | None]


class BaselineItem(TypedDict):
    """What a baseline says of a candidate."""

    model_id: str
    value: float


class Reason(TypedDict):
    """Why something is not there."""

    code: str
    detail: str


class Baseline(TypedDict):
    """An order that never saw the target: ``static``, ``parameters``, ``upstream_accuracy``."""

    name: str
    items: list[BaselineItem] | None
    reason: Reason | None


class BestSet(TypedDict):
    """Smallest set of candidates that holds the best of them with probability ``coverage``."""

    model_ids: list[str]
    coverage: float
    probability: float


class Unranked(TypedDict):
    """A candidate without a place, and why."""

    model_id: str
    code: str
    detail: str


class Ranking(TypedDict):
    """Models ordered for one target."""

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: NotRequired[str | None]
    metric: str
    edge_weight: float
    target_model_id: str | None
    target_dataset_id: NotRequired[str | None]
    probe_set_id: str
    items: list[RankingItem]
    unranked: list[Unranked]
    baselines: list[Baseline]
    best_set: NotRequired[BestSet]
    expected_regret: NotRequired[float]
    measure_next: NotRequired[list[str]]
    evidence: NotRequired[dict[str, float]]
    error: NotRequired[Problem | None]
    progress: NotRequired[JobProgress | None]
    cache_key: str
    created_at: str


class Accuracy(TypedDict):
    """A measured accuracy; ``value`` is a share from 0 to 1."""

    id: str
    model: str
    dataset: str
    metric: str
    value: float
    protocol: str
    seed: NotRequired[int | None]
    source: str
    job_id: NotRequired[str | None]
    created_at: str


class AddedAccuracies(TypedDict):
    """Records that were sent, and how many of them were new."""

    items: list[Accuracy]
    new: int


class Key(TypedDict):
    """An API key; its secret is not told."""

    id: str
    name: str
    project: str
    scopes: list[str]
    created_at: str
    revoked_at: str | None


class IssuedKey(TypedDict):
    """A new API key with its ``token``."""

    id: str
    name: str
    project: str
    scopes: list[str]
    token: str


class Method(TypedDict):
    """One method of the catalogue, with JSON schemas of what it takes."""

    name: str
    title: str
    family: str
    version: int
    source: str
    inputs: dict[str, Any]
    params: dict[str, Any]
    result: str


class ClassChance(TypedDict):
    """A class of a network and how likely it is; ``name`` where the manifest tells it."""

    index: int
    name: str | None
    probability: float


class ImageClasses(TypedDict):
    """The likeliest classes of one image, likeliest first."""

    image: int
    classes: list[ClassChance]


class MapSnapshot(TypedDict):
    """A map in the list of a probe set's maps; maps of one layout share all places."""

    id: str
    job_id: str
    layout_id: str
    created_at: str
    models: int
    stress: float
    params: dict[str, Any]
