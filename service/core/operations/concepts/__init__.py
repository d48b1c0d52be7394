"""Search by concept: responses of output units, searches, units like a unit, units by name."""
