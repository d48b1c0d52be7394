"""How well models are ranked on tables of accuracies: every target is held out once.

``python -m workers.ranking_bench TABLE…``; ``zooscope bench ranking`` starts it.
"""
