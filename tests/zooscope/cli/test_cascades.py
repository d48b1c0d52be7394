"""Client and command submit a cascade, with a first stage by name, and say what does not fit."""

import pytest

from service.container import Zoo
from tests.rest.cascades import a_cascade, a_set_of_chinese_clips
from tests.rest.clip_readers import a_reader
from tests.zooscope.cli.shells import Shell
from zooscope import ZooClient, ZooClientError


def test_a_cascade_shares_the_first_stage_of_a_named_cascade(shell: Shell, zoo: Zoo):
    with zoo.transaction() as session:
        a_set_of_chinese_clips(zoo, session)
        a_cascade(session, name="lips")
        a_reader(session, name="ears")
    command = ("jobs", "submit", "cascade_seq2seq", "--dataset", "talk", "--set", "batch_size=8")

    submitted = shell.json(*command, "--input", "first_stage=lips")
    of_sound = shell.error(*command, "--input", "first_stage=ears")
    with ZooClient(shell.environment["ZOO_URL"], key=shell.environment["ZOO_KEY"]) as client:
        with pytest.raises(ZooClientError) as of_another_width:
            client.jobs.submit(
                "cascade_seq2seq",
                dataset_id="talk",
                inputs={"first_stage": "lips"},
                params={"batch_size": 8, "width": 16},
            )
        shown = client.models.show("lips")

    assert submitted["method"] == "cascade_seq2seq"
    assert (of_sound["code"], of_sound["remedy"]) == (
        "not_a_cascade",
        "choose a model that cascade_seq2seq made",
    )
    assert of_another_width.value.code == "other_first_stage"
    assert "set width to 80" in (of_another_width.value.remedy or "")
    assert shown["reader"]["stages"] == ["pinyin", "tone", "character"]
    assert shown["reader"]["pinyin_from"] == "pypinyin"
