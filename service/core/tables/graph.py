"""Measurements: graphs, their similarities, and the rankings and maps read from them."""

from enum import StrEnum
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import Double, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.core.sketches import SKETCH_SIZE
from service.core.tables.base import Owned, TableRow

HALF_SKETCH = HALFVEC(SKETCH_SIZE)


class GraphStatus(StrEnum):
    """Whether a measured network can be compared.

    ``degenerate``: too few usable probes. ``constant_edges``: its features are the same for all
    probes.
    """

    OK = "ok"
    DEGENERATE = "degenerate"
    CONSTANT_EDGES = "constant_edges"


class GraphRecord(Owned, TableRow):
    """One network seen through one probe set with one choice of settings.

    ``comparable_key`` hashes probe set, settings and method version: graphs with the same key can
    be compared. ``cache_key`` adds the network. The exact vectors are the file ``sha256``;
    ``sketch`` stands for them in the index, and is null when the network cannot be compared.
    """

    __tablename__ = "graphs"
    __table_args__ = (
        UniqueConstraint("project", "cache_key"),
        Index("ix_graphs_comparable", "project", "comparable_key", "model_id"),
        Index(
            "ix_graphs_sketch",
            "sketch",
            postgresql_using="hnsw",
            postgresql_ops={"sketch": "halfvec_ip_ops"},
            postgresql_with={"m": 24, "ef_construction": 128},
        ),
    )

    model_id: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), index=True)
    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), index=True
    )
    cache_key: Mapped[str]
    comparable_key: Mapped[str]
    settings: Mapped[dict[str, Any]]
    status: Mapped[str]
    detail: Mapped[str | None]
    valid_probes: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str | None]
    numeric_policy: Mapped[dict[str, Any]]
    sketch: Mapped[list[float] | None] = mapped_column(HALF_SKETCH)
    job_id: Mapped[str | None]


class AffinityRecord(TableRow):
    """Similarity of two graphs, ``first`` < ``second`` by id, with its parts.

    The variances and the covariance are over bootstrap samples of the probes, so that an
    interval can be given for any edge weight.
    """

    __tablename__ = "affinities"

    first: Mapped[str] = mapped_column(
        ForeignKey("graphs.id", ondelete="CASCADE"), primary_key=True
    )
    second: Mapped[str] = mapped_column(
        ForeignKey("graphs.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    node_similarity: Mapped[float | None] = mapped_column(Double)
    edge_similarity: Mapped[float | None] = mapped_column(Double)
    valid_probes: Mapped[int] = mapped_column(Integer)
    node_variance: Mapped[float | None] = mapped_column(Double)
    edge_variance: Mapped[float | None] = mapped_column(Double)
    covariance: Mapped[float | None] = mapped_column(Double)


class RankingState(StrEnum):
    """``pending`` while measurements are missing, then ``ready`` or ``failed``."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class RankingRecord(Owned, TableRow):
    """Models ordered for one target.

    ``request`` is the request as filled in; ``pairs`` what is known of every candidate, from which
    the order follows; ``unranked`` the candidates without a place, and why. The target is the
    network ``target_model_id``, or the dataset ``target_dataset_id`` alone or with a network that
    stands for it; ``dataset_id`` are the images that the networks are shown. ``findings`` holds
    what is known of the candidates as a whole, ``baselines`` orders that never saw the target.
    ``effective_probes`` is the number of different images; None where no networks are compared.
    ``shared_images`` counts the images of the target that are also in the probe set.
    """

    __tablename__ = "rankings"
    __table_args__ = (
        Index("ix_rankings_project_id", "project", "id"),
        Index("ix_rankings_comparable", "project", "comparable_key"),
        Index("ix_rankings_pending", "project", postgresql_where=text("state = 'pending'")),
    )

    state: Mapped[str] = mapped_column(default=RankingState.PENDING)
    metric: Mapped[str]
    edge_weight: Mapped[float] = mapped_column(Double)
    request: Mapped[dict[str, Any]]
    target_model_id: Mapped[str | None]
    target_dataset_id: Mapped[str | None]
    dataset_id: Mapped[str]
    comparable_key: Mapped[str]
    candidates: Mapped[list[Any]] = mapped_column(JSONB)
    pairs: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    unranked: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    findings: Mapped[dict[str, Any] | None]
    baselines: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    effective_probes: Mapped[float | None] = mapped_column(Double)
    shared_images: Mapped[int | None]
    error: Mapped[dict[str, Any] | None]
    job_id: Mapped[str | None]


class MapRecord(Owned, TableRow):
    """A snapshot of how the measured networks of a probe set relate; ``document`` is its JSON.

    ``comparable_key`` and ``models_key`` identify the similarities that it shows, ``edge_weight`` and
    ``params_key`` its settings. Maps with the same ``layout_id``, the id of the first of them, show
    a network at the same position.
    """

    __tablename__ = "maps"
    __table_args__ = (
        Index("ix_maps_dataset", "project", "dataset_id", "id"),
        Index("ix_maps_layout", "project", "comparable_key", "edge_weight", "layout_id", "id"),
        Index("ix_maps_drawn", "layout_id", "models_key", "params_key", "id"),
    )

    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    comparable_key: Mapped[str]
    models_key: Mapped[str]
    params_key: Mapped[str]
    edge_weight: Mapped[float] = mapped_column(Double)
    layout_id: Mapped[str]
    document: Mapped[dict[str, Any]]
    job_id: Mapped[str]
