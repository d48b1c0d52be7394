"""Notifies workers of queued jobs, reclaims jobs of silent workers, and removes expired data.

Any number of schedulers may run at the same time. Without one, workers still find jobs by polling,
but lost jobs stay lost until a scheduler starts.
"""
