"""The protocol behind ``benchmarks.layer_selection``: cut a network, retrain what is above, compare.

``tasks`` holds the images, ``networks`` and ``training`` the networks and how they learn, ``cuts``
what a cut leaves and what it reaches, ``scores`` what every way of choosing says about the same
layers, ``judging`` the arithmetic of the report, ``page`` and ``picture`` the report.
"""
