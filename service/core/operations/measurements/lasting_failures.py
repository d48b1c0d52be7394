"""Measurements that failed for a reason that stays: another attempt would only fail again."""

from collections.abc import Collection

from sqlalchemy import Text, any_, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from service.core.tables import JobRecord, JobState

CODES = frozenset(
    {
        "attribution_not_supported",
        "batch_dependent",
        "feature_detached",
        "feature_unusable",
        "features_too_large",
        "maps_unstable",
        "not_a_cut",
        "unknown_layer",
    }
)
"""Codes that follow from network, images and settings alone, all of which a cache key contains."""


def remembered(session: Session, *, project: str, keys: Collection[str]) -> dict[str, str]:
    """Ids of the newest jobs that failed like this, by their cache key."""
    if not keys:
        return {}
    query = (
        select(JobRecord.cache_key, JobRecord.id)
        .where(
            JobRecord.project == project,
            JobRecord.cache_key == any_(cast(list(keys), ARRAY(Text))),
            JobRecord.state == JobState.FAILED,
            JobRecord.error["code"].astext.in_(CODES),
        )
        .order_by(JobRecord.id)
    )
    return {str(key): job_id for key, job_id in session.execute(query)}
