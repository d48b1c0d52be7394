"""tables, states and stored JSON use the names of the API"""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

Pairs = Iterable[tuple[str, str]]

_ACCURACY_INDEXES = ("project_id", "model", "dataset")
_PARAMETERS = (
    ("rate", "learning_rate"),
    ("student_rate", "student_learning_rate"),
    ("generator_rate", "generator_learning_rate"),
    ("noise_rate", "noise_learning_rate"),
    ("held_out", "validation_fraction"),
    ("evaluations", "num_evaluations"),
    ("seconds_between_checkpoints", "checkpoint_interval_seconds"),
    ("side", "image_size"),
    ("soft_weight", "distillation_weight"),
    ("neighbours", "neighbors"),
    ("centring", "centering"),
    ("common_normalisation", "common_normalization"),
)
_VALUES = (
    ("centering", "centred", "centered"),
    ("selection", "normalised", "normalized"),
)
_FORMER_VALUES = (
    ("centring", "centered", "centred"),
    ("selection", "normalized", "normalised"),
)
_INPUTS = (("data", "dataset_id"), ("exam", "eval_dataset_id"))
_LINEAGE = (("data", "dataset"), ("exam", "eval_dataset"))
_TRANSFERS = "('fine_tune', 'linear_probe')"


def upgrade() -> None:
    _rename_accuracies("records", "accuracies")
    op.execute("UPDATE accuracies SET id = 'acc_' || substr(id, 5) WHERE id LIKE 'rec\\_%'")
    op.execute("UPDATE models SET state = 'pending' WHERE state = 'awaited'")
    _rename_license("licence", "license")
    _rewrite_parameters(_PARAMETERS, _VALUES)
    _rewrite("jobs", "inputs", _renamed("inputs", _INPUTS), "inputs ? 'teachers'")
    _rewrite("models", "lineage", _renamed("lineage", _LINEAGE), "lineage ? 'teachers'")
    _rewrite(
        "jobs",
        "inputs",
        "(inputs - 'teachers') || jsonb_build_object('source_model_id', inputs #> '{teachers,0}')",
        f"method IN {_TRANSFERS}",
    )
    _rewrite(
        "models",
        "lineage",
        "(lineage - 'teachers' - 'teacher_fingerprints') || jsonb_build_object("
        "'source_model_id', lineage #> '{teachers,0}',"
        " 'source_fingerprint', lineage #> '{teacher_fingerprints,0}')",
        f"lineage ->> 'method' IN {_TRANSFERS}",
    )
    op.create_index(
        "ix_models_source", "models", [sa.literal_column("(lineage ->> 'source_model_id')")]
    )
    op.create_index(
        "ix_jobs_source", "jobs", [sa.literal_column("(inputs ->> 'source_model_id')")]
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_source", table_name="jobs")
    op.drop_index("ix_models_source", table_name="models")
    _rewrite(
        "models",
        "lineage",
        "(lineage - 'source_model_id' - 'source_fingerprint') || jsonb_build_object("
        "'teachers', jsonb_build_array(lineage -> 'source_model_id'),"
        " 'teacher_fingerprints', jsonb_build_array(lineage -> 'source_fingerprint'))",
        "lineage ? 'source_model_id'",
    )
    _rewrite(
        "jobs",
        "inputs",
        "(inputs - 'source_model_id')"
        " || jsonb_build_object('teachers', jsonb_build_array(inputs -> 'source_model_id'))",
        f"method IN {_TRANSFERS}",
    )
    _rewrite("models", "lineage", _renamed("lineage", _back(_LINEAGE)), "lineage ? 'teachers'")
    _rewrite("jobs", "inputs", _renamed("inputs", _back(_INPUTS)), "inputs ? 'teachers'")
    _rewrite_parameters(_back(_PARAMETERS), _FORMER_VALUES)
    _rename_license("license", "licence")
    op.execute("UPDATE models SET state = 'awaited' WHERE state = 'pending'")
    op.execute("UPDATE accuracies SET id = 'rec_' || substr(id, 5) WHERE id LIKE 'acc\\_%'")
    _rename_accuracies("accuracies", "records")


def _rename_accuracies(old: str, new: str) -> None:
    op.rename_table(old, new)
    for name in (f"pk_{old}", f"uq_{old}_project_identity"):
        op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT {name} TO {name.replace(old, new)}")
    for name in _ACCURACY_INDEXES:
        op.execute(f"ALTER INDEX ix_{old}_{name} RENAME TO ix_{new}_{name}")


def _rename_license(old: str, new: str) -> None:
    for table in ("models", "datasets"):
        renamed = f"(manifest - '{old}') || jsonb_build_object('{new}', manifest -> '{old}')"
        _rewrite(table, "manifest", renamed, f"manifest ? '{old}'")


def _rewrite_parameters(names: Pairs, values: Iterable[tuple[str, str, str]]) -> None:
    """Every stored set of parameters has the new names and values."""
    for table, column in (
        ("jobs", "params"),
        ("graphs", "settings"),
        ("estimates", "settings"),
        ("layer_selections", "settings"),
        ("rankings", "request"),
    ):
        _rewrite(table, column, _renamed(column, names, values), "true")
    for table, column in (("models", "lineage"), ("maps", "document")):
        params = _renamed(f"({column} -> 'params')", names, values)
        _rewrite(
            table, column, f"jsonb_set({column}, '{{params}}', {params})", f"{column} ? 'params'"
        )


def _renamed(column: str, names: Pairs, values: Iterable[tuple[str, str, str]] = ()) -> str:
    """A JSON value whose keys have other names; a quote inside a string never ends a key."""
    changed = f"{column}::text"
    for old, new in names:
        changed = f"""replace({changed}, '"{old}": ', '"{new}": ')"""
    for key, old, new in values:
        changed = f"""replace({changed}, '"{key}": "{old}"', '"{key}": "{new}"')"""
    return f"({changed})::jsonb"


def _rewrite(table: str, column: str, value: str, where: str) -> None:
    op.execute(f"UPDATE {table} SET {column} = {value} WHERE {where}")


def _back(names: Pairs) -> list[tuple[str, str]]:
    return [(new, old) for old, new in names]
