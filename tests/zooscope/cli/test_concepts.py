"""`zooscope concepts` prints units with what is known of them, and names commands in its remedies."""

import pytest

from service.container import Zoo
from service.core.operations.concepts import searches
from service.core.tables import ConceptSearchRecord
from tests.rest.served import MANIFEST, a_dataset, a_model, some_responses
from tests.rest.test_concept_searches import round_of
from tests.zooscope.cli.shells import Shell


@pytest.fixture
def fox(zoo: Zoo) -> str:
    """A classifier with stored responses to the images ``probes``; there are images of ``cats``."""
    manifest = {**MANIFEST, "classes": ["tabby cat", "beagle"]}
    with zoo.transaction() as session:
        probes = a_dataset(zoo, session, name="probes")
        a_dataset(zoo, session, name="cats")
        fox = a_model(session, name="fox", output_kind="vector", manifest=manifest)
        some_responses(zoo, session, fox, probes)
        return fox.id


def test_a_search_is_printed_with_its_advice_units_and_cost(
    shell: Shell, zoo: Zoo, fox: str
) -> None:
    words = ["concepts", "search", "cats", "--probes", "probes"]
    pending = shell.json(*words, "--no-wait", "--check", "0")
    with zoo.transaction() as session:
        search = session.get_one(ConceptSearchRecord, pending["id"])
        searches.advance(session, search, round_of(fox, 0.9))

    text = shell.output("concepts", "show", pending["id"])

    assert "Use unit 1 (beagle) of fox: AUC 0.90" in text
    assert "(1 of 1 network ran)" in text
    assert "few_images" in text
    assert any(line.split()[:3] == ["fox", "1", "beagle"] for line in text.splitlines())


def test_units_are_listed_by_name_and_by_likeness(shell: Shell, fox: str) -> None:
    named = shell.output("concepts", "units", "beagle")
    near = shell.output("concepts", "similar", "fox", "1", "--probes", "probes")

    assert "beagle" in named
    assert "tabby cat" in near


def test_a_zoo_without_responses_names_the_command_that_measures_them(
    shell: Shell, zoo: Zoo, fox: str
) -> None:
    with zoo.transaction() as session:
        other = a_dataset(zoo, session, name="other")
    refused = shell.run("concepts", "search", "cats", "--probes", other.id)
    measured = shell.json("concepts", "measure", "fox", "--probes", "other")

    assert refused.returncode == 1
    assert f"`zooscope concepts measure {fox} --probes {other.id}`" in refused.stderr
    assert measured[0]["method"] == "unit_responses"
