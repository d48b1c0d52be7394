"""The training core that every training method shares."""
