"""The page of likeness says what the measured zoos say, and chooses settings without the zoo it judges."""

import json

from benchmarks import likeness


def test_the_page_is_that_of_the_stored_facts() -> None:
    facts = json.loads((likeness.RESULTS / likeness.FILE).read_text())
    page = (likeness.RESULTS / "likeness.md").read_text()

    assert likeness.written(facts, before=page) == page


def test_a_setting_is_chosen_by_the_other_zoos_alone() -> None:
    facts = json.loads((likeness.RESULTS / likeness.FILE).read_text())
    left_out, other = facts["zoos"].values()
    other["sweep"]["0.5"]["2"]["spearman"] = 2.0
    left_out["sweep"]["1"]["0"]["spearman"] = 3.0

    page = likeness.written(facts)

    assert f"| {left_out['name']} | power 0.5, λ = 2 |" in page
    assert f"| {other['name']} | power 1, λ = 0 | 0." in page
