"""Rings the bell for queued jobs, takes jobs from silent workers, and tidies up.

Any number may run; they do not get into each other's way. Without one, workers still find jobs
by polling, but lost jobs stay lost until one is started.
"""
