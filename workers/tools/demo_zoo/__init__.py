"""A small real zoo without downloads: a dozen networks trained on scikit-learn's images.

``python -m workers.tools.demo_zoo FOLDER`` trains them in two processes and writes the files that a
client uploads: an archive and a manifest per network, a probe set and a labeled target. It prints
the true transfer accuracy of every network. Everything is seeded.
"""
