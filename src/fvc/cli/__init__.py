"""The command ``fvc``: one file a verb; each parses, calls one public function and prints."""

from fvc.cli.app import main

__all__ = ["main"]
