"""``fvc duplicates``: near-duplicates across groups."""

from fvc.cli.verb import verb
from fvc.dataset.duplicates import find_duplicates

command = verb(
    find_duplicates,
    name="duplicates",
    example="fvc duplicates --merge",
    results=lambda workspace: workspace.duplicates.folder,
)
