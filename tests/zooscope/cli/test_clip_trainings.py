"""Client and command submit trainings on clips, and say what does not fit."""

import pytest

from service.container import Zoo
from tests.rest.clip_readers import LIPS, a_reader
from tests.rest.served import a_model, a_set_of_clips
from tests.zooscope.cli.shells import Shell
from zooscope import ZooClient, ZooClientError


def test_a_lip_reader_needs_a_recognizer_of_sound(shell: Shell, zoo: Zoo):
    with zoo.transaction() as session:
        a_set_of_clips(zoo, session).clips = 40
        a_reader(session, name="ears")
        a_reader(session, LIPS, name="lips")
        a_model(session, name="cats")

    submitted = shell.json(
        "jobs", "submit", "lip_by_speech", "--dataset", "talk", "--teacher", "ears"
    )
    of_lips = shell.error(
        "jobs", "submit", "lip_by_speech", "--dataset", "talk", "--teacher", "lips"
    )
    with ZooClient(shell.environment["ZOO_URL"], key=shell.environment["ZOO_KEY"]) as client:
        with pytest.raises(ZooClientError) as of_images:
            client.jobs.submit("lip_by_speech", teachers=["cats"], dataset_id="talk")
        shown = client.models.show("ears")

    assert submitted["method"] == "lip_by_speech"
    assert (of_lips["code"], of_lips["remedy"]) == (
        "not_a_recognizer",
        "choose a model that speech_recognizer made",
    )
    assert of_images.value.code == "model_reads_images"
    assert (shown["reader"]["modality"], shown["reader"]["tokens"]) == ("audio", 2)
