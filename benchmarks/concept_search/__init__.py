"""Which output units of published networks recognize a concept: found from stored responses.

``images`` draws probes and concepts, ``outputs`` runs every network over them once and stores what it
says, ``study`` searches with few images and compares with running every network, ``page`` writes the
table.
"""
