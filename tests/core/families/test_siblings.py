"""A pair has no direction if an ancestor of both is nearer to the descendant."""

from service.core.families.siblings import possible_siblings


def test_siblings_are_nearer_to_their_parent_than_to_each_other():
    descents = {("base", "short"): 0.98, ("base", "long"): 0.9, ("short", "long"): 0.88}

    assert possible_siblings(descents) == {("short", "long")}


def test_a_chain_keeps_its_directions():
    descents = {("base", "short"): 0.98, ("base", "long"): 0.88, ("short", "long"): 0.9}

    assert possible_siblings(descents) == set()


def test_a_nearer_ancestor_of_the_descendant_alone_is_no_reason():
    assert possible_siblings({("base", "long"): 0.8, ("other", "long"): 0.9}) == set()
