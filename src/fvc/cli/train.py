"""``fvc train``: stage 5."""

from fvc.cli.leaderboard import show_training
from fvc.cli.verb import verb
from fvc.training import stage5_train_models

command = verb(
    stage5_train_models,
    name="train",
    example="fvc train --model-types logistic_regression svm --n-splits 5",
    results=lambda workspace: workspace.stage5,
    show=show_training,
)
