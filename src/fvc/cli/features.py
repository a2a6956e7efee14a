"""``fvc features``: stage 2."""

from fvc.cli.verb import verb
from fvc.features import stage2_extract_features

command = verb(
    stage2_extract_features,
    name="features",
    example="fvc features --num-frames 6",
    results=lambda workspace: workspace.stage2.folder,
)
