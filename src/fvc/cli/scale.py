"""``fvc scale``: stage 3."""

from fvc.cli.verb import verb
from fvc.scaling import stage3_scale_videos

command = verb(
    stage3_scale_videos,
    name="scale",
    example="fvc scale --target-size 256 --method resolution",
    results=lambda workspace: workspace.stage3.folder,
)
