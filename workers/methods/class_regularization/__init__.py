"""Method ``class_regularization``: a few-shot learner whose descriptors use all base classes.

The learner standardizes the features of a network, encodes them over a trained basis with one
vector for each base class, decodes them linearly, and moves the mean of a support set towards the
mean of what was decoded, the less the more images there are. Novel classes only evaluate.

Source: Semantic (first: Class) Regularization, arXiv 1912.08395 v1 and v2; its equations are not
public in full, see the method's page. Prototypical networks: arXiv 1703.05175.

Axes: ``image``; ``side`` of the canonical frame; ``label`` a base class; ``unit`` of a feature
vector; ``entry`` of the class basis; ``episode``; ``way`` a class of an episode; ``shot`` and
``query`` its images; ``draw`` a support set.
"""

from workers.methods.class_regularization.run import run

__all__ = ["run"]
