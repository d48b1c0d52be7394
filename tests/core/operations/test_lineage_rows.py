"""Lineages are looked up through indexes, however many networks and jobs there are."""

from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.operations.lineages.rows import Rows

MANY = 20_000
_MODELS = f"""
INSERT INTO models (id, project, name, state, task_kind, manifest, tags, filename, layers, problems,
                    version, lineage)
SELECT 'mdl_' || n, 'default', 'n', 'ready', 'other', '{{}}', '{{}}', '', '[]', '[]', 1,
       jsonb_build_object('teachers', jsonb_build_array('mdl_' || n / 3))
FROM generate_series(1, {MANY}) AS n
"""
_JOBS = f"""
INSERT INTO jobs (id, project, method, method_version, state, queue, priority, params, inputs,
                  progress, attempts, max_attempts, fence, events, result)
SELECT 'job_' || n, 'default', 'knowledge_distillation', 1, 'succeeded', 'cpu', 0, '{{}}',
       jsonb_build_object('teachers', jsonb_build_array('mdl_' || n / 3)), '{{}}', 1, 3, 1, 0,
       jsonb_build_object('model_id', 'mdl_' || n)
FROM generate_series(1, {MANY}) AS n
"""
_TRANSFERS = _JOBS.replace(
    "'teachers', jsonb_build_array('mdl_' || n / 3)", "'source_model_id', 'mdl_' || n / 3"
)
_CASCADES = _JOBS.replace(
    "'teachers', jsonb_build_array('mdl_' || n / 3)", "'first_stage', 'mdl_' || n / 3"
)


def plans_of(session: Session, ask: str) -> str:
    """How the database answers a question of ``Rows`` about two networks."""
    statements: list[tuple[str, Any]] = []
    engine: Engine = session.get_bind()  # type: ignore[assignment]

    def hear(_connection, _cursor, statement, parameters, _context, _many) -> None:
        statements.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", hear)
    rows = getattr(Rows(session, "default", most=2_000), ask)(["mdl_7", "mdl_9"])
    event.remove(engine, "before_cursor_execute", hear)
    assert rows
    connection = session.connection()
    plans = [
        connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        for statement, parameters in statements
    ]
    return "\n".join(row[0] for plan in plans for row in plan)


@pytest.mark.parametrize(
    ("fill", "ask", "index"),
    [
        (_MODELS, "students_of", "ix_models_teachers"),
        (_JOBS, "learners_from", "ix_jobs_teachers"),
        (_TRANSFERS, "learners_from", "ix_jobs_source"),
        (_CASCADES, "learners_from", "ix_jobs_first_stage"),
        (_JOBS, "makers_of", "ix_jobs_model_made"),
    ],
)
def test_the_rows_around_a_network_are_found_by_an_index(
    zoo: Zoo, fill: str, ask: str, index: str
):
    with zoo.transaction() as session:
        session.execute(text(fill))
        session.execute(text("ANALYZE models, jobs"))

        assert index in plans_of(session, ask)
