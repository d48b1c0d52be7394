"""The content of the zoo: models, datasets, uploads, predictions."""
