"""``fvc scaled-features``: stage 4."""

from fvc.cli.verb import verb
from fvc.features import stage4_extract_scaled_features

command = verb(
    stage4_extract_scaled_features,
    name="scaled-features",
    example="fvc scaled-features --num-frames 6",
    results=lambda workspace: workspace.stage4.folder,
)
