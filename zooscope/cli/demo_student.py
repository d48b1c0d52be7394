"""The demo's student: a small network that two of the zoo teach on images without labels."""

from zooscope.cli.context import Talk
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


def student_of(talk: Talk, there: UploadedZoo) -> Model:
    """The student: an earlier demo's, or a new one that is watched while it learns.

    Raises:
        ZooClientError: The training failed, with its code.
    """
    teachers = [there.models[name] for name in TEACHERS]
    for known in talk.zoo.models.ls(state="ready", name=NAME):
        if (known.get("lineage") or {}).get("teachers") == teachers:
            return known
    job = talk.zoo.jobs.submit(
        METHOD,
        teachers=teachers,
        dataset_id=there.probes,
        eval_dataset_id=there.eval_dataset,
        student=STUDENT,
        params=PARAMS,
        seed=0,
        device="cpu",
        budget={"steps": STEPS},
    )
    done = follow(talk, job)
    require_success(done)
    return talk.zoo.models.show(done["result"]["model_id"])
