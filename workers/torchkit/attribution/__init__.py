"""Attribution maps and the features that they explain."""
