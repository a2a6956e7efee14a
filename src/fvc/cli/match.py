"""``fvc match``: a project beside this one whose clips have one size, frame rate and encoder."""

from fvc.cli.verb import verb
from fvc.transcoding.match_stage import match_sources

command = verb(
    match_sources,
    name="match",
    example="fvc match --match resolution,fps,codec --longer-side 480",
    results=lambda workspace: workspace.data,
    positional="match",
)
