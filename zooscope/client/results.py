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
            "stylization",
            "transcription",
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


class FewShotHead(TypedDict):
    """How a few-shot learner compares images: its output is features and decoded features.

    Attributes:
        units: Number of features; the output has twice as many values.
        prior: Number of support images that the decoded features count as.
        scale: Factor of squared distances in the softmax.
        outside_distance: Squared distance that 99 of 100 images of a base class stay below.
    """

    units: int
    prior: float
    scale: float
    outside_distance: float


class StylizerHead(TypedDict):
    """How a stylizer is built: its layer ``style`` turns a picture into the parameters of a style.

    Attributes:
        width: Channels of the first layer of the content path.
    """

    network: Literal["din", "din_k1", "cin", "dyn_only"]
    width: int


class Reader(TypedDict):
    """What a reader takes of a clip, and the number of different tokens of its texts.

    A cascade has ``stages``, and its tokens are those of the last one; ``pinyin_from`` says which
    library, version and settings read the pinyin that had no column of its own.
    """

    modality: Literal["audio", "video"]
    tokens: int
    stages: NotRequired[list[str]]
    pinyin_from: NotRequired[str | None]


class Output(TypedDict):
    """A tensor that a network returns; ``shape`` is that for one image."""

    name: str
    shape: list[int]


class Rejection(TypedDict):
    """Why a model or dataset was rejected, or an image left out, then with its ``name``."""

    code: str
    detail: str
    remedy: NotRequired[str | None]
    name: NotRequired[str | None]


class Model(TypedDict):
    """A network of the zoo; one that reads clips has ``reader`` and no ``input``.

    ``version`` counts the networks that had this name, and ``aliases`` such as ``prod`` belong to one
    version at a time: ``name:version`` and ``name@alias`` name it. Of all ``outputs``, methods read
    ``output``; ``output_scale`` says whether its numbers are logits, probabilities or
    log-probabilities. ``latency_ms`` is the time of one image on the machine that checked the network,
    null for networks of earlier releases. ``same_weights_as`` lists other networks of the project with the same weights,
    whatever these are called and however their files differ.
    """

    id: str
    name: str
    version: int
    aliases: NotRequired[list[str]]
    state: Literal["pending", "uploaded", "checking", "ready", "rejected", "damaged"]
    task: Task
    format: str
    architecture: NotRequired[Architecture | None]
    input: NotRequired[InputSpec | None]
    classes: NotRequired[list[str] | None]
    few_shot: NotRequired[FewShotHead | None]
    stylizer: NotRequired[StylizerHead | None]
    reader: NotRequired[Reader | None]
    feature_layer: NotRequired[str | None]
    output_kind: NotRequired[str | None]
    outputs: NotRequired[list[Output]]
    output: NotRequired[str | None]
    output_scale: NotRequired[Literal["logits", "probabilities", "log_probabilities"] | None]
    parameters: NotRequired[int | None]
    flops: NotRequired[int | None]
    peak_bytes: NotRequired[int | None]
    gradient_peak_bytes: NotRequired[int | None]
    latency_ms: NotRequired[float | None]
    weights_sha256: NotRequired[str | None]
    same_weights_as: NotRequired[list[str]]
    sha256: NotRequired[str | None]
    size_bytes: NotRequired[int | None]
    trained_on: NotRequired[str]
    tags: list[str]
    license: NotRequired[str]
    source: NotRequired[str]
    revision: NotRequired[str]
    problems: list[Rejection]
    lineage: NotRequired[dict[str, Any] | None]
    job_id: NotRequired[str | None]
    created_at: str
    etag: str


class FacetValue(TypedDict):
    """A value of a facet, and the number of items that have it."""

    value: str
    count: int


class Facet(TypedDict):
    """The most frequent values of a filter; they ignore that filter, but no other one."""

    name: str
    values: list[FacetValue]


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
    role: Literal[
        "teacher",
        "source",
        "start",
        "dataset",
        "eval_dataset",
        "student",
        "confirmed",
        "suggested",
    ]


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


class FamilyEvidence(TypedDict):
    """What a relation follows from; pairs begin with the model and end with its relative.

    ``tensors`` counts the compared weight tensors of both, ``equal_share`` is the share of them that
    are equal. ``cosine`` is the mean cosine of all but the heads, ``distances`` the length of the
    difference of each matched tensor, from the image on, relative to the longer of both. ``zeros``
    are mean shares of zeros, ``levels`` and ``relative_levels`` the levels of the grids that hold all
    weights, null without.
    """

    tensors: list[int]
    equal_share: float
    cosine: float
    distances: list[float]
    zeros: list[float]
    levels: NotRequired[int | None]
    relative_levels: NotRequired[int | None]


class Relative(TypedDict):
    """A related model.

    ``descent`` is what it is to the model as far as the weights show it, with the ``reason``.
    ``near_copy`` marks one that computes the same up to rounding. ``confirmed`` is the descent that a
    person confirmed.
    """

    model_id: str
    name: str
    relation: Literal[
        "copy",
        "re_exported",
        "half_precision",
        "quantized",
        "pruned",
        "shares_backbone",
        "fine_tuned",
        "unknown",
    ]
    descent: Literal["ancestor", "descendant", "unknown"]
    reason: str
    near_copy: bool
    evidence: FamilyEvidence
    confirmed: NotRequired[Literal["ancestor", "descendant", "unknown"] | None]
    confirmed_at: NotRequired[str | None]


class Family(TypedDict):
    """The relatives of a model by its weights, the most alike first."""

    model_id: str
    relatives: list[Relative]


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


class Note(TypedDict):
    """A remark on an upload; the first of the ``count`` files it is about are in ``names``."""

    code: str
    detail: str
    count: int
    names: list[str]


class Dataset(TypedDict):
    """A set of images, or of clips with transcripts, as its ``kind`` says.

    ``sha256`` is the digest of its ordered images and labels, or clips and transcripts.
    ``label_kind`` says whether each image has a `single` label, a list of `multiple` ones, or a `mask`.
    ``notes`` say what was assumed or left out while the upload was read, ``problems`` what could not
    be used.
    """

    id: str
    name: str
    state: Literal["uploaded", "checking", "ready", "rejected", "damaged"]
    kind: Literal["images", "clips"]
    images: int | None
    clips: NotRequired[int | None]
    labels: NotRequired[list[str] | None]
    sha256: str | None
    canonical_side: NotRequired[int | None]
    tags: list[str]
    license: NotRequired[str]
    problems: list[Rejection]
    notes: NotRequired[list[Note]]
    label_kind: NotRequired[Literal["single", "multiple", "mask"] | None]
    job_id: NotRequired[str | None]
    created_at: str
    etag: str


class Image(TypedDict):
    """One image of a set, at a position counted from 0.

    ``label`` is the index of its class; where images have several, ``labels`` are the indices.
    ``mask_sha256`` is the digest of its mask where images have masks.
    """

    index: int
    name: str
    label: int | None
    labels: NotRequired[list[int] | None]
    media_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str
    mask_sha256: NotRequired[str | None]


class ClipBox(TypedDict):
    """The part of the upright frames that is read, in pixels; that of the poster, where it moves."""

    left: int
    top: int
    width: int
    height: int


class Clip(TypedDict):
    """One clip of a dataset, at a position counted from 0.

    ``transcript`` is empty in a dataset without transcripts. ``pinyin`` has one syllable with its tone number for every character of a Chinese transcript.
    ``remarks`` are codes of what is unusual, such as `variable_frame_rate`. ``poster`` and ``mel`` are
    paths of pictures; ``mel`` is null without sound. ``sha256`` is the digest of the uploaded file.
    """

    index: int
    name: str
    transcript: str
    pinyin: NotRequired[list[str] | None]
    speaker: NotRequired[str | None]
    seconds: float
    frames: int
    frames_per_second: float
    mel_frames: int
    width: int
    height: int
    rotation: int
    faces: int
    box: ClipBox
    remarks: list[str]
    sha256: str
    poster: str
    mel: NotRequired[str | None]


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
    metric: Literal["attribution", "depara", "depara_plus", "rsa", "dds", "linear_cka"]
    edge_weight: float
    items: list[Neighbor]


class ImageSimilarity(TypedDict):
    """Cosine of two networks' attribution maps of one image.

    ``similarity`` is null where the image does not count for both networks.
    """

    index: int
    similarity: float | None


class ImageSimilarities(TypedDict):
    """How alike two networks look at each image of a probe set.

    ``items`` is empty where the stored maps cannot be read within a request.
    """

    model_id: str
    other_model_id: str
    dataset_id: str
    items: list[ImageSimilarity]


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
    """A class of the network and how likely it is; ``name`` if the manifest names it.

    ``distance`` is the squared distance to the descriptor of the class, from a few-shot learner only.
    """

    index: int
    name: str | None
    probability: float
    distance: NotRequired[float | None]


class ImageClasses(TypedDict):
    """The likeliest classes of one image, likeliest first.

    ``outside`` is true if the image is farther from all classes than 99 of 100 images of base classes
    are from theirs; from a few-shot learner only.
    """

    image: int
    classes: list[ClassProbability]
    outside: NotRequired[bool | None]


class SupportClass(TypedDict):
    """The support of one class: images, different pictures, and their mean squared distance.

    ``spread`` is null for a single picture.
    """

    name: str
    shots: int
    distinct: int
    spread: float | None


class Support(TypedDict):
    """What a few-shot learner made of the support, and what is remarkable about it."""

    classes: list[SupportClass]
    notes: list[str]


class ClassPrediction(TypedDict):
    """The likeliest classes of every image that was sent."""

    model_id: str
    output: NotRequired[Literal["classes"]]
    items: list[ImageClasses]
    support: NotRequired[Support | None]


class TokenText(TypedDict):
    """A token of a text, the logarithm of its probability, and when it is spoken, approximately.

    Times are null where a stage of a cascade does not see the video.
    """

    text: str
    log_probability: float
    start_seconds: NotRequired[float | None]
    end_seconds: NotRequired[float | None]


class AlternativeText(TypedDict):
    """Another text of the search, with its score."""

    text: str
    score: float
    finished: bool


class StageText(TypedDict):
    """What one stage of a cascade reads: `pinyin`, `tone` or `character`."""

    stage: str
    score: float
    finished: bool
    tokens: list[TokenText]


class OracleText(TypedDict):
    """The characters that a cascade reads with the true texts of these stages.

    The difference to its own text is what the errors of these stages cost.
    """

    true_stages: list[str]
    text: str
    character_error_rate: float


class ClipFacts(TypedDict):
    """What a clip shows, and the part of it that is read.

    ``faces`` is 0 where none was sought. ``remarks`` are codes of what is unusual, such as
    `variable_frame_rate`, or `no_speech_movement`: the lips move less than in 99 % of the clips that
    the reader learned from, so the text may be invented.
    """

    seconds: float
    frames: int
    frames_per_second: float
    mel_frames: int
    width: int
    height: int
    rotation: int
    faces: int
    box: ClipBox
    remarks: list[str]


class ClipProblem(TypedDict):
    """Why a clip was not read."""

    code: str
    detail: str
    remedy: NotRequired[str | None]


class ClipText(TypedDict):
    """What a reader reads in one clip; only ``problem`` is set where it cannot.

    ``score`` is the sum of the logarithms of all tokens' probabilities, by the number of tokens to
    the power of 0.8: it compares texts of one clip and is no measure of confidence. ``finished`` is
    false if the text reached the longest length. ``attention_png`` is a picture of what each token
    attends to, PNG as base64. ``index`` and ``name`` are those of a stored clip, and so is
    ``transcript``; ``character_error_rate`` is the edit distance to it, by its length. Only a cascade
    has ``stages``, ``pinyin`` (syllables with tone numbers), ``aligned`` (whether all stages have
    equally many tokens) and, with a transcript, ``oracles``.
    """

    clip: int
    index: NotRequired[int | None]
    name: NotRequired[str | None]
    text: NotRequired[str | None]
    score: NotRequired[float | None]
    finished: NotRequired[bool | None]
    tokens: NotRequired[list[TokenText]]
    alternatives: NotRequired[list[AlternativeText]]
    transcript: NotRequired[str | None]
    character_error_rate: NotRequired[float | None]
    stages: NotRequired[list[StageText]]
    pinyin: NotRequired[list[str]]
    aligned: NotRequired[bool | None]
    oracles: NotRequired[list[OracleText]]
    facts: NotRequired[ClipFacts | None]
    attention_png: NotRequired[str | None]
    problem: NotRequired[ClipProblem | None]


class TextPrediction(TypedDict):
    """The texts of all clips in their order."""

    model_id: str
    output: NotRequired[Literal["texts"]]
    items: list[ClipText]


class NearCopy(TypedDict):
    """A candidate that computes the same as a better one up to rounding, by its weights."""

    model_id: str
    name: str
    score: float
    relation: Literal[
        "copy",
        "re_exported",
        "half_precision",
        "quantized",
        "pruned",
        "shares_backbone",
        "fine_tuned",
        "unknown",
    ]


class RankingItem(TypedDict):
    """A model's rank.

    Where networks are compared, ``interval`` holds 90 % of the scores over resampled probes. For
    ``fused``, ``score`` and ``mean`` are the expected accuracy, ``interval`` holds it with
    probability 80 %, ``p_best`` is the probability that no other candidate is better,
    ``expected_regret`` what choosing this one is expected to lose, ``measured`` the run on the
    target itself that went in. ``flops`` counts the operations for one image, and ``latency_ms`` is
    its time on the machine that checked the network. ``pareto`` marks the networks that are cheaper than all that rank above them. Items of the same ``group``, counted
    from the best, cannot be told apart: the intervals of all overlap that of its first. For
    ``labels`` and ``labels_and_history``, group 1 holds the first and those that the advice calls
    equal to it. ``same_weights_as`` lists other candidates with the same weights. ``near_copies`` are candidates
    that have no row of their own, because they compute the same up to rounding.
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
    group: NotRequired[int | None]
    same_weights_as: NotRequired[list[str]]
    near_copies: NotRequired[list[NearCopy]]
    parameters: NotRequired[int | None]
    flops: NotRequired[int | None]
    size_bytes: NotRequired[int | None]
    latency_ms: NotRequired[float | None]
    pareto: NotRequired[bool]


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


class Choice(TypedDict):
    """The metric that was taken for ``auto``, and the reason."""

    metric: Literal[
        "auto",
        "attribution",
        "depara",
        "depara_plus",
        "rsa",
        "dds",
        "linear_cka",
        "labels",
        "logme",
        "h_score",
        "leep",
        "nce",
        "n_leep",
        "trans_rate",
        "parc",
        "gbc",
        "knn",
        "ridge_probe",
        "linear_probe",
        "fused",
        "labels_and_history",
    ]
    reason: str


class BestSet(TypedDict):
    """Smallest set of candidates that holds the best of them with probability ``coverage``."""

    model_ids: list[str]
    coverage: float
    probability: float


class AnswerWarning(TypedDict):
    """Why an answer is worth less than it looks, and what to do about it."""

    code: str
    detail: str
    remedy: str


class Ranking(TypedDict):
    """Models ordered for one target; items and baselines are empty while it is pending.

    ``ranked`` counts the rows, also those beyond the ``limit`` of a request.

    ``advice`` says where to start. If ``auto`` was requested, ``metric`` is the one that was taken
    and ``choice`` says why. With the metrics ``fused`` and ``labels_and_history`` there are also the
    ``best_set``, the ``expected_regret`` of choosing the first, the models to measure next, and the
    share of each kind of evidence. ``probes_advice`` says whether more probes would help, where networks
    are compared. ``warnings`` names what makes the order doubtful.
    ``effective_probes`` is the number of different images among the probes, null where no networks
    are compared. ``shared_images`` counts images of a target dataset that are also in another probe
    set.
    """

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: NotRequired[str | None]
    metric: Literal[
        "auto",
        "attribution",
        "depara",
        "depara_plus",
        "rsa",
        "dds",
        "linear_cka",
        "labels",
        "logme",
        "h_score",
        "leep",
        "nce",
        "n_leep",
        "trans_rate",
        "parc",
        "gbc",
        "knn",
        "ridge_probe",
        "linear_probe",
        "fused",
        "labels_and_history",
    ]
    edge_weight: float
    target_model_id: str | None
    target_dataset_id: NotRequired[str | None]
    probe_set_id: str
    ranked: int
    items: list[RankingItem]
    unranked: list[Unranked]
    baselines: NotRequired[list[Baseline]]
    advice: NotRequired[str | None]
    probes_advice: NotRequired[str | None]
    choice: NotRequired[Choice | None]
    best_set: NotRequired[BestSet | None]
    expected_regret: NotRequired[float | None]
    measure_next: NotRequired[list[str] | None]
    evidence: NotRequired[dict[str, float] | None]
    effective_probes: NotRequired[float | None]
    warnings: NotRequired[list[AnswerWarning]]
    shared_images: NotRequired[int | None]
    error: NotRequired[JobError | None]
    progress: NotRequired[JobProgress | None]
    cache_key: str
    created_at: str


class RankingSummary(TypedDict):
    """A ranking in a list: what was asked, without the scores."""

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: NotRequired[str | None]
    metric: Literal[
        "auto",
        "attribution",
        "depara",
        "depara_plus",
        "rsa",
        "dds",
        "linear_cka",
        "labels",
        "logme",
        "h_score",
        "leep",
        "nce",
        "n_leep",
        "trans_rate",
        "parc",
        "gbc",
        "knn",
        "ridge_probe",
        "linear_probe",
        "fused",
        "labels_and_history",
    ]
    edge_weight: float
    target_model_id: str | None
    target_dataset_id: str | None
    probe_set_id: str
    candidates: int
    error: NotRequired[JobError | None]
    created_at: str


class RankingStep(TypedDict):
    """Jobs of one method that a ranking would wait for.

    ``seconds`` is the time of all of them, one after another, null if it is unknown; ``basis`` says
    what it follows from.
    """

    method: str
    jobs: int
    seconds: NotRequired[float | None]
    basis: NotRequired[Literal["earlier_jobs", "machine_speed"] | None]


class RankingEstimate(TypedDict):
    """How long a ranking would take.

    ``seconds`` is the time until it is ready if no other job is in the way, with ``concurrency`` jobs
    at a time; steps of unknown length count as nothing, and it is null if all are unknown.
    ``other_jobs`` are unfinished jobs of the project that come first or run beside.
    """

    seconds: NotRequired[float | None]
    steps: list[RankingStep]
    concurrency: int
    other_jobs: int
    candidates: int


class LayerChoice(TypedDict):
    """The layer with the greatest score, the deepest of equals, and its margin to the next.

    The layers in ``tied`` cannot be told apart from it.
    """

    layer: str
    score: float
    interval: list[float]
    runner_up: str | None
    margin: float | None
    tied: NotRequired[list[str]]


class LayerBaselines(TypedDict):
    """The choices without a comparison: the middle candidate and the deepest."""

    middle: str
    deepest: str


class LayerScore(TypedDict):
    """A candidate layer against the target; what is null could not be compared.

    ``depth`` is the share of the source's layers that end no later, ``operations_share`` that of
    its operations; ``interval`` holds 90 % of the scores over resampled probes. Layers of the same
    ``group``, counted from the best, cannot be told apart.
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
    group: NotRequired[int | None]


class LayerSelection(TypedDict):
    """The layer of a network to build a target on, scored with ``edge_weight``.

    ``effective_probes`` is the number of different images among the probes.
    """

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
    effective_probes: NotRequired[float | None]
    warnings: NotRequired[list[AnswerWarning]]
    error: NotRequired[JobError | None]
    progress: NotRequired[JobProgress | None]
    cache_key: str
    created_at: str


class LayerSelectionSummary(TypedDict):
    """A selection in a list: what was asked, without the scores."""

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: NotRequired[str | None]
    source_model_id: str
    target_model_id: str
    target_layer: str
    probe_set_id: str
    candidates: int
    error: NotRequired[JobError | None]
    created_at: str


class FoundUnit(TypedDict):
    """An output unit that may recognize the concept.

    ``expected_auc`` follows from stored responses. ``auc`` was measured on the images themselves; it
    is null for networks that did not run. Both come with an interval that states 80 %.
    ``class_name`` is null if the network's manifest does not name the class.
    """

    model_id: str
    name: str
    unit: int
    class_name: str | None
    expected_auc: float
    expected_interval: list[float]
    auc: float | None
    auc_interval: list[float] | None


class UnsearchedModel(TypedDict):
    """A candidate that was not searched, and why."""

    model_id: str
    code: str
    detail: str


class ConceptSearchCost(TypedDict):
    """What the search cost: networks that ran for it, of those whose units it searched.

    ``operations_share`` is the share of the operations that running all of them would take.
    """

    networks_run: int
    networks_searched: int
    operations_share: float | None


class ConceptSearch(TypedDict):
    """Output units that recognize what a dataset shows, best first.

    While it is pending, ``units`` holds what the first round found. ``reference_ids`` are the networks
    through which the concept was related to the probes, ``checked_ids`` those that ran because
    of their best unit.
    """

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: str | None
    dataset_id: str
    negatives_id: str | None
    probe_set_id: str
    advice: str | None
    units: list[FoundUnit]
    searched_units: int | None
    reference_ids: list[str]
    checked_ids: list[str]
    unsearched: list[UnsearchedModel]
    cost: ConceptSearchCost
    warnings: list[AnswerWarning]
    error: NotRequired[JobError | None]
    progress: NotRequired[JobProgress | None]
    created_at: str


class ConceptSearchSummary(TypedDict):
    """A search in a list: what was asked, without the units."""

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: NotRequired[str | None]
    dataset_id: str
    negatives_id: str | None
    probe_set_id: str
    searched: int
    error: NotRequired[JobError | None]
    created_at: str


class Unit(TypedDict):
    """An output unit whose class has a name; ``unit`` is its index among the network's outputs."""

    model_id: str
    name: str
    unit: int
    class_name: str


class SimilarUnit(TypedDict):
    """An output unit, with the correlation of its responses to those of another one, from -1 to 1."""

    rank: int
    model_id: str
    name: str
    unit: int
    class_name: str | None
    correlation: float


class SimilarUnits(TypedDict):
    """The units most like one unit, on one probe set.

    ``searched_models`` counts the networks with stored responses that were compared; ``left_out`` counts
    those that were too large to read within a request.
    """

    model_id: str
    unit: int
    dataset_id: str
    searched_models: int
    left_out: int
    items: list[SimilarUnit]


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
    """A method of the catalog, with JSON schemas of its inputs and parameters.

    ``dataset_kinds`` says what the datasets that it takes may hold.
    """

    name: str
    title: str
    family: str
    version: int
    source: str
    inputs: dict[str, Any]
    params: dict[str, Any]
    result: str
    dataset_kinds: list[Literal["images", "clips"]]


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


class ProjectEvent(TypedDict):
    """A change in the project; load what it names to see what it is now.

    ``subject_id`` is the id of what changed; of ``maps`` it is the dataset, of ``measurements`` the
    model. ``id`` is the position to resume after; ``state`` is null where there is none.
    """

    id: str
    at: str
    kind: Literal[
        "jobs",
        "models",
        "datasets",
        "rankings",
        "layer-selections",
        "concept-searches",
        "accuracies",
        "maps",
        "measurements",
    ]
    change: Literal["created", "updated", "deleted"]
    subject_id: str
    state: str | None


class IssuedKey(TypedDict):
    """A new key with its token, which is shown only now."""

    id: str
    name: str
    project: str
    scopes: list[str]
    created_at: str
    expires_at: NotRequired[str | None]
    last_used_at: NotRequired[str | None]
    revoked_at: NotRequired[str | None]
    token: str


class Key(TypedDict):
    """An API key, without its secret; ``last_used_at`` is exact to about a minute."""

    id: str
    name: str
    project: str
    scopes: list[str]
    created_at: str
    expires_at: NotRequired[str | None]
    last_used_at: NotRequired[str | None]
    revoked_at: NotRequired[str | None]


class OwnKey(TypedDict):
    """The caller's own key; ``held_scopes`` are its scopes and those that they include."""

    id: str
    name: str
    project: str
    scopes: list[str]
    created_at: str
    expires_at: NotRequired[str | None]
    last_used_at: NotRequired[str | None]
    revoked_at: NotRequired[str | None]
    held_scopes: list[str]


class Quota(TypedDict):
    """One quota: its limit, or null if it has none, and what is used within its window, if any."""

    quota: Literal[
        "bytes", "models", "datasets", "images", "queued_jobs", "running_jobs", "job_seconds"
    ]
    limit: NotRequired[int | None]
    used: int
    window_seconds: NotRequired[int | None]


class Quotas(TypedDict):
    """What a project may use, and what it uses."""

    project: str
    items: list[Quota]


class AuditEvent(TypedDict):
    """One call, or `count` equal refusals of one address within a minute.

    `project` and `key_id` are null for a call without a valid key; `code` says why it was refused.
    """

    seq: int
    at: str
    project: NotRequired[str | None]
    key_id: NotRequired[str | None]
    api: Literal["rest", "grpc", "local"]
    address: NotRequired[str | None]
    action: str
    ids: list[str]
    outcome: Literal["ok", "refused"]
    code: NotRequired[str | None]
    trace_id: NotRequired[str | None]
    count: int


class Session(TypedDict):
    """A session that has just begun; the browser has its token in a cookie."""

    expires_at: str


class SignInLink(TypedDict):
    """A link that signs one browser in, once."""

    url: str
    expires_at: str


class Whoami(TypedDict):
    """Who sends a request: project, key and what the key allows.

    ``scopes`` include those that ``admin`` includes. ``key_id`` is null in a zoo that runs without
    keys, ``session_expires_at`` in a request with a key.
    """

    project: str
    key_id: str | None
    key_name: str | None
    scopes: list[Literal["read", "write", "jobs", "admin", "operator"]]
    key_expires_at: NotRequired[str | None]
    session_expires_at: NotRequired[str | None]
