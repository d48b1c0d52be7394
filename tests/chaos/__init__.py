"""Random faults against a zoo of real processes, and the rules that its history obeys."""
