"""The demo's student: a small network that learns from two networks on unlabeled images."""

from zooscope.cli.context import CliContext
from zooscope.cli.demo_zoo import UploadedZoo
from zooscope.cli.live_table import follow
from zooscope.client.polling import require_success
from zooscope.client.results import Model

NAME = "digits-pocket"
METHOD = "knowledge_distillation"
TEACHERS = ("digits-conv", "digits-residual")
STUDENT = {"architecture": "residual", "width": 8, "image_size": 16}
PARAMS = {"name": NAME, "batch_size": 32, "learning_rate": 0.01, "num_evaluations": 5}
STEPS = 400


def student_of(context: CliContext, ids: UploadedZoo) -> Model:
    """The student: an earlier demo's, or a new one whose training is shown.

    Raises:
        ZooClientError: The code of the failed training.
    """
    teachers = [ids.models[name] for name in TEACHERS]
    for model in context.zoo.models.ls(state="ready", name=NAME):
        if (model.get("lineage") or {}).get("teachers") == teachers:
            return model
    job = context.zoo.jobs.submit(
        METHOD,
        teachers=teachers,
        dataset_id=ids.probes,
        eval_dataset_id=ids.eval_dataset,
        student=STUDENT,
        params=PARAMS,
        seed=0,
        device="cpu",
        budget={"steps": STEPS},
    )
    done = follow(context, job)
    require_success(done)
    return context.zoo.models.show(done["result"]["model_id"])
