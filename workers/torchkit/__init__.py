"""Pure tensor tools that several rooms share."""
