"""``fvc demo``: the whole pipeline on a small corpus that is made on the spot."""

import functools
import logging
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from fvc.cli.leaderboard import show_training
from fvc.cli.output import OutputOptions, logging_to_terminal, print_report
from fvc.cli.verb import app_of, bind, options_of
from fvc.dataset import make_simulated_archives, setup_dataset
from fvc.pipeline import run_pipeline
from fvc.stages import RunOptions
from fvc.workspace import Workspace

logger = logging.getLogger(__name__)


def demo(
    project: Path = Path("demo"),
    *,
    num_sources: int = 60,
    num_augmentations: int | None = None,
    seed: int = 0,
    run: RunOptions = RunOptions(),
    output: Annotated[OutputOptions, Parameter(name="*", group="Output")] = OutputOptions(),
) -> int:
    """Run the whole pipeline on a small simulated corpus.

    It makes password-protected archives of simulated videos in the shape of the Fake Video Corpus,
    then does what `fvc setup` and `fvc run` do. Numbers from it say that the system works; they say
    nothing about real videos. A second run goes on where the first one stopped.

    Parameters
    ----------
    project
        The folder to make it in.
    num_sources
        Simulated videos.
    num_augmentations
        Variants of each; the number of `fvc augment` unless given.
    seed
        Of the simulation.
    run
        How the work is run.
    output
        What is printed.
    """
    workspace = Workspace(project)
    with logging_to_terminal(output):
        archives = workspace.archive_folders[0]
        if not (archives / "Metadata.zip").is_file():
            logger.info("Simulating %d videos in password-protected archives", num_sources)
            make_simulated_archives(archives, num_sources=num_sources, seed=seed)
        setup = setup_dataset(project)
        print_report(setup, OutputOptions(quiet=output.quiet or output.json), workspace)
        given = {} if num_augmentations is None else {"num_augmentations": num_augmentations}
        report = run_pipeline(project, options={"augment": given}, run=run)
    print_report(report, output, workspace, show_training)
    return max(setup.exit_code, report.exit_code)


@functools.wraps(demo)
def _call(**given: Any) -> int:
    return demo(**bind(demo, given, given.get("output", OutputOptions())))


command = app_of(_call, options_of(demo), name="demo", example="fvc demo --project demo")
