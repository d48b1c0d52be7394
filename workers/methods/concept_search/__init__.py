"""Method ``concept_search``: which output units recognize a concept, from stored responses.

A few reference networks run on the images of the concept. How much every image resembles each
probe in their responses says which probes stand for it; how a unit ranks these probes against those
that stand for what the concept is not is the AUC to expect of it. The AUC itself is known where a
network has run on the images.

Source: Kahana et al., Can this Model Also Recognize Dogs?, 2025, arXiv 2502.09619, for descriptors
of output units by their responses to probes; the expected AUC is ours.

Axes: ``probe`` one shared image, ``image`` one image of the concept or of what it is not, ``unit`` one
output of a network, ``direction`` one unit of any reference.
"""

from workers.methods.concept_search.run import (
    ConceptSearchData,
    ConceptSearchResult,
    FoundUnit,
    NetworkResponses,
    run,
)

__all__ = ["ConceptSearchData", "ConceptSearchResult", "FoundUnit", "NetworkResponses", "run"]
