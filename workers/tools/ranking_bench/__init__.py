"""Evaluation of rankings on tables of accuracies, with every target held out once.

Run as ``python -m workers.tools.ranking_bench TABLE…`` or ``zooscope bench ranking``.
"""
