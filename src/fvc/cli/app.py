"""The command's entry: verbs, exit codes and what a user sees when something goes wrong."""

import errno
import logging
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from cyclopts import App, CycloptsError
from rich.console import Console

from fvc import __version__
from fvc.cli.config import with_config
from fvc.cli.output import print_json
from fvc.errors import FVCError, OptionError, OutputError

HELP = """From a corpus of real and fake videos to detectors whose reported numbers hold."""

# Wherever a disk is full or read-only, it is never a fault of the program.
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

EPILOGUE = """Exit codes: 0 done · 1 a fault of this program · 2 wrong usage · 3 an earlier step is
missing or stale · 4 an input is wrong · 5 finished, some clips failed (data/failures.csv) ·
6 all failed · 7 another run holds the files · 8 not available or not installed · 9 cannot write ·
130 interrupted · 143 terminated

Example: `fvc setup --corpus clips && fvc run`"""

# Verb: (where its function is, one line of help). Verbs are imported when they are called, so that
# `fvc --help` does not wait for the libraries of all of them.
VERBS = {
    "setup": ("fvc.cli.setup:command", "Step 0: unpack the archives or index a folder of clips."),
    "duplicates": (
        "fvc.cli.duplicates:command",
        "Sources that show the same footage in different groups.",
    ),
    "match": (
        "fvc.cli.match:command",
        "A project whose clips all have one size, frame rate and encoder.",
    ),
    "augment": ("fvc.cli.augment:command", "Stage 1: a standard copy and variants of each source."),
    "features": ("fvc.cli.features:command", "Stage 2: fifteen forensic features of each clip."),
    "scale": ("fvc.cli.scale:command", "Stage 3: every clip with its longer side at 256 pixels."),
    "scaled-features": (
        "fvc.cli.scaled_features:command",
        "Stage 4: twenty-three features of each scaled clip.",
    ),
    "train": ("fvc.cli.train:command", "Stage 5: train and score detectors in grouped folds."),
    "run": ("fvc.cli.run:command", "Stages 1 to 5, or one of them."),
    "slurm": ("fvc.cli.slurm:command", "The stages as jobs of a SLURM cluster."),
    "leaderboard": ("fvc.cli.leaderboard:command", "The detectors that were trained, ranked."),
    "audit": ("fvc.cli.audit:command", "How much of a score is skill, and how much is memory."),
    "compare": (
        "fvc.cli.compare:command",
        "Whether trained detectors differ at all, and what the best is worth.",
    ),
    "confounds": ("fvc.cli.confounds:command", "What metadata alone tell of the label."),
    "predict": (
        "fvc.cli.predict:command",
        "Judge videos: probability, decision, evidence, and what it is worth.",
    ),
    "holdout": ("fvc.cli.holdout:command", "Trained without a collection, scored on it."),
    "lock": ("fvc.cli.lock:command", "Set sources aside before anything is trained."),
    "evaluate": (
        "fvc.cli.evaluate:command",
        "A finished detector on the locked set or on another corpus.",
    ),
    "calibration": (
        "fvc.cli.calibration:command",
        "How far a detector's probabilities can be taken at their word.",
    ),
    "decisions": (
        "fvc.cli.decisions:command",
        "What each way to call videos real, fake or undecided comes to.",
    ),
    "interval": ("fvc.cli.interval:command", "How sure a detector's score is."),
    "importance": ("fvc.cli.importance:command", "Which features a detector's score rests on."),
    "robustness": ("fvc.cli.robustness:command", "What altered videos do to a detector's scores."),
    "dashboard": ("fvc.cli.dashboard:command", "The project in the browser."),
    "notebooks": ("fvc.cli.notebooks:command", "Step 6: a notebook of each model."),
    "figures": ("fvc.cli.figures:command", "Results as figures and tables for a paper."),
    "demo": ("fvc.cli.demo:command", "The whole pipeline on a small simulated corpus."),
    "show": ("fvc.cli.show:command", "What is in a file: a table, a document, a video."),
    "query": ("fvc.cli.query:command", "SQL over a project's tables and results."),
    "track": ("fvc.cli.track:command", "Results in MLflow: what is there, and sending the rest."),
    "models": ("fvc.cli.models:command", "The model types, and what each of them needs."),
    "doctor": ("fvc.cli.doctor:command", "What is installed, what is missing, what installs it."),
}

EXIT_TERMINATED = 143


def build_app() -> App:
    """Make the command-line application."""
    app = App(
        name="fvc",
        help=HELP,
        help_epilogue=EPILOGUE,
        version=__version__,
        help_format="markdown",
        error_console=Console(stderr=True),
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for place, (verb, (where, text)) in enumerate(VERBS.items()):
        app.command(where, name=verb, help=text, sort_key=place)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with `arguments`, or with the process's own, and exit.

    Raises
    ------
    SystemExit
        Always, with one of the documented codes.
    """
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    # Without it, SIGTERM would end the process where it stands, with half-made files about.
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(tokens))


def _terminate(number: int, frame: object) -> None:
    raise SystemExit(EXIT_TERMINATED)


def run(tokens: list[str]) -> int:
    """Run the command and return its exit code. What goes wrong is said on standard error."""
    app = build_app()
    try:
        result = app(with_config(tokens, VERBS))
    except CycloptsError:
        # Cyclopts has printed what is wrong, with the nearest right name.
        verb = next((token for token in tokens if token in VERBS), None)
        print(f"Try: fvc {verb + ' ' if verb else ''}--help", file=sys.stderr)
        return OptionError.exit_code
    except FVCError as error:
        return _complain(tokens, str(error), error.exit_code)
    except KeyboardInterrupt:
        return _complain(tokens, "interrupted; what is finished is kept", 130)
    except BrokenPipeError:
        # The reader of our output has gone, as `fvc … | head` does; nobody is left to tell.
        sys.stderr.close()
        return 141
    except SystemExit as end:
        if end.code == EXIT_TERMINATED:
            return _complain(tokens, "terminated; what is finished is kept", EXIT_TERMINATED)
        raise
    except GeneratorExit:
        raise
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in _DISK:
            place = f" {error.filename}" if error.filename else ""
            return _complain(
                tokens,
                f"cannot write{place}: {error.strerror}. What is finished is kept: mend this and "
                "run the same command again.",
                OutputError.exit_code,
            )
        # The border where a fault of ours becomes a message. Libraries written in Rust panic
        # outside Exception.
        return _complain(tokens, _fault(error, tokens), FVCError.exit_code)
    return result if isinstance(result, int) else 0


def _complain(tokens: list[str], message: str, code: int) -> int:
    if "--json" in tokens:
        print_json({"error": message, "exit_code": code})
    print(f"fvc: {message}", file=sys.stderr)
    return code


def _fault(error: BaseException, tokens: list[str]) -> str:
    trace = "".join(traceback.format_exception(error))
    logging.getLogger("fvc").debug(trace)
    if "--verbose" in tokens:
        return f"this is a fault of the program, please report it:\n{trace}"
    while error.__cause__ is not None:
        error = error.__cause__
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return (
        f"this is a fault of the program, please report it: {type(error).__name__}: {error}"
        f"{where}. --verbose shows all of it."
    )
