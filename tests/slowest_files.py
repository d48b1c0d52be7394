"""The files that take longest, longest first: a run starts them in this order.

A worker of pytest-xdist takes a whole file. A long one that began last would keep a single worker
busy while the others have nothing left to do. Run the suite with ``--durations=0`` to measure.
"""

SLOWEST_FIRST = (
    "platform/test_up_ends.py",
    "jobs/test_faults.py",
    "web/test_views.py",
    "apis/test_projects_are_separate.py",
    "workers/test_training_end_to_end.py",
    "workers/test_maps_end_to_end.py",
    "web/test_hostile.py",
    "rest/test_schemathesis.py",
    "platform/test_up.py",
    "chaos/test_chaos.py",
    "predictions/test_predictions.py",
    "zooscope/cli/test_imports.py",
    "apis/test_trainings_over_every_api.py",
    "workers/torchkit/test_clip_reading.py",
    "platform/test_two_users.py",
    "workers/test_lease.py",
    "jobs/test_malformed_notifications.py",
    "web/test_use.py",
    "platform/test_ordinary_user.py",
    "methods/test_a_new_method.py",
    "platform/test_doctor.py",
    "workers/test_concepts_end_to_end.py",
    "workers/ranking_bench/test_protocol.py",
    "backup/test_backup.py",
    "workers/test_every_method_end_to_end.py",
    "web/test_large_zoo.py",
    "core/operations/test_neighbors.py",
    "workers/test_stylizer_end_to_end.py",
    "methods/test_parameters.py",
    "apis/test_spans.py",
    "zooscope/packing/test_packing.py",
    "zooscope/cli/test_transformers_imports.py",
    "methods/dual_gan_amalgamation/test_run.py",
    "embedded/test_safe_path.py",
    "methods/adversarial_distillation/test_run.py",
)
