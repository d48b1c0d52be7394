"""Pictures: curves, heat maps, sample sheets."""
