"""The dashboard: what is in a project, as pages in a browser. No logic of its own."""
