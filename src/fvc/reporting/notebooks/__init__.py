"""Notebooks of the models: one a model, made from the registry."""
