"""Judge videos with a trained detector."""
