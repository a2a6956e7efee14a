"""Publication figures: one function a figure, drawn at print size in a journal's style."""
