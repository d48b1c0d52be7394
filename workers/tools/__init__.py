"""Programs of their own: the demo zoo, the ranking benchmark, the hardware report."""
