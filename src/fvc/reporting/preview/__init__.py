"""What is in one file: a table, a document of the project, an array of features, or a video."""
