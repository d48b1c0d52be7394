"""A small real zoo without any download: a dozen networks trained on scikit-learn's own images.

``python -m workers.demo_zoo FOLDER`` trains them in two processes and writes what a client would
upload: an archive and a manifest for each network, a set of probes, a labeled target, and the
true transfer accuracy of every network. Everything is seeded.
"""
