"""Which published network to start from, for labeled targets of few images: the truth and every metric.

``targets`` reads the labeled images, ``passes`` runs every network over them once and stores what it
says, ``truth`` trains linear probes on all labels, ``metrics`` scores the networks from five or ten
labels per class, ``page`` writes the tables. ``PROTOCOL.md`` states what was fixed before any result
on the held-back targets was read.
"""
