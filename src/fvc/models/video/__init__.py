"""The torch modules: one architecture a file. Importing any of them imports torch."""
