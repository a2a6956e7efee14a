"""What `fvc predict` does: judge all files, write the answers, say how it went."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fvc.engines import LocalEngine
from fvc.errors import EXIT_SOME_FAILED, NothingLeftError, OptionError
from fvc.inference.asking import Asked, expand
from fvc.inference.finding import load
from fvc.inference.judging import Terms, check_terms
from fvc.inference.lines import Lines, answered, line_of, read_lines
from fvc.inference.prediction import Prediction
from fvc.inference.predictor import Predictor
from fvc.stages.identity import fingerprint_file
from fvc.tables import atomic_write

Format = Literal["table", "json", "jsonl", "csv", "html"]
_OF_ENDING: dict[str, Format] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".html": "html",
    ".htm": "html",
}
_CSV = (
    *("path", "probability", "decision", "error", "error_kind", "reason", "warning"),
    *("calibrated", "score", "p_real", "p_fake", "model", "roc_auc", "roc_auc_low"),
    *("roc_auc_high", "n_sources", "simulated", "for_fake", "for_real"),
    *("size_bytes", "fingerprint", "seconds"),
)
_IN_CSV = 3
# A display of progress for a few files takes longer to import than it is seen.
_SHOWN_FROM = 4


@dataclass(frozen=True)
class PredictReport:
    """Answers to all files that were asked for.

    Attributes
    ----------
    predictions
        In the order asked; empty where they went to a file of JSON lines one by one.
    model
        The detector, what to expect of it, the terms of its decisions.
    identity
        Of detector and terms.
    n_asked, n_failed, n_kept
        Files asked for, those that could not be judged, and answers kept from an earlier run.
    output
        The file that was written, if any.
    format
        Of the output.
    asked
        Names of the files, in the order asked.
    """

    predictions: tuple[Prediction, ...]
    model: dict[str, Any]
    identity: str
    n_asked: int
    n_failed: int
    n_kept: int
    output: Path | None
    format: Format
    asked: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0; 5 where some files could not be judged, 6 where none could."""
        if not self.n_failed:
            return 0
        return NothingLeftError.exit_code if self.n_failed == self.n_asked else EXIT_SOME_FAILED

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give the answers in plain JSON types, in the order asked."""
        if self.output is None or self.format != "jsonl":
            yield from (prediction.to_dict() for prediction in self.predictions)
            return
        place = {name: i for i, name in enumerate(self.asked)}
        found = (row for row in read_lines(self.output) if row["path"] in place)
        yield from sorted(found, key=lambda row: place[row["path"]])

    def to_dict(self) -> dict[str, Any]:
        """Give the report in plain JSON types."""
        return {
            "predictions": list(self.rows()),
            "model": self.model,
            "n_asked": self.n_asked,
            "n_failed": self.n_failed,
            "n_kept": self.n_kept,
            "output": None if self.output is None else str(self.output),
        }

    def summary(self) -> str:
        """Give the report in one line."""
        kept = f", {self.n_kept} kept from an earlier run" if self.n_kept else ""
        failed = f", {self.n_failed} could not be judged" if self.n_failed else ""
        where = f": {self.output}" if self.output is not None else ""
        return f"{self.n_asked} asked for{kept}{failed}{where}"

    def text(self) -> str:
        """Write the answers in the report's format; a table is drawn by whoever prints it."""
        if self.format == "csv":
            return as_csv(self.rows())
        if self.format == "jsonl":
            return "".join(line_of(p, self.identity) for p in self.predictions)
        if self.format == "html":
            from fvc.inference.page import page

            return "".join(page(self.predictions, self.model))
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def predict_videos(
    project: Path = Path("."),
    *,
    paths: tuple[str, ...] = (),
    model: str | None = None,
    error_rate: float = 0.1,
    threshold: float | None = None,
    prevalence: float | None = None,
    false_positive_rate: float | None = None,
    cost_false_alarm: float | None = None,
    cost_miss: float | None = None,
    cost_undecided: float | None = None,
    format: Format | None = None,
    output: Path | None = None,
    workers: int | None = None,
    stall_seconds: float = 120.0,
    memory_limit_mib: int | None = None,
    trust: bool = False,
    quiet: bool = False,
) -> PredictReport:
    """Judge videos with a trained detector: probability, decision, evidence, and its limits.

    Parameters
    ----------
    project
        The project's folder, in which models were trained.
    paths
        Files, folders, patterns such as ``clips/*.mp4``, or tables (CSV, Parquet, Arrow) with a
        column ``path``.
    model
        Name of a trained model, or a folder with one; by default the best complete model of the
        leaderboard.
    error_rate
        Share of real, and of fake, videos that may be called the other, between 0 and 0.5; what
        cannot be decided so is undecided.
    threshold
        Decide by the probability instead: fake from this value on, else real.
    prevalence
        Share of fakes that you expect among such videos; moves the probability. By default that of
        the training corpus.
    false_positive_rate
        Decide so that at most this share of real videos is called fake, between 0 and 0.5; the
        others are called real.
    cost_false_alarm
        Decide by what costs least: the cost of calling a real video fake, by default 1 where
        another cost is given.
    cost_miss
        The cost of calling a fake video real, by default 1 where another cost is given.
    cost_undecided
        The cost of no decision; by default every video is decided.
    format
        table, json, jsonl, csv or html; by default as the output's ending says.
    output
        Write the answers to this file. A ``.jsonl`` file grows as answers come, and files that it
        holds an answer to are not judged again.
    workers
        Videos judged side by side; by default one a core, fewer where memory is short.
    stall_seconds
        Give a video up after this many seconds without progress.
    memory_limit_mib
        Give a video up when its process holds more memory, in MiB; by default 2048 or less.
    trust
        Read a pickle where a detector has no other form. Only for files that you made.
    quiet
        Show no progress.

    Returns
    -------
    PredictReport
        Answers and counts; exit code 5 where some files could not be judged, 6 where none could.

    Raises
    ------
    OptionError
        A value that an option cannot take.
    MissingInputError
        There is no such model.
    TableError
        A table of paths cannot be read.
    OutputError
        The output cannot be written.
    """
    terms = Terms(
        error_rate,
        threshold,
        prevalence,
        false_positive_rate,
        cost_false_alarm,
        cost_miss,
        cost_undecided,
    )
    how = _format(format, output)
    asked = expand(paths)
    predictor = load(model, project=project, trust=trust)
    check_terms(terms, predictor.card)
    engine = LocalEngine(workers, stall_seconds=stall_seconds, memory_limit_mib=memory_limit_mib)
    identity = predictor.identity(terms)
    names = tuple(one.shown for one in asked)
    kept: set[str] = set()
    if how == "jsonl" and output is not None:
        kept = answered(output, _fingerprints(asked) if output.is_file() else {}, identity)
    left = [one for one in asked if one.shown not in kept]
    found: dict[int, Prediction] = {}
    failed = 0
    with ExitStack() as stack:
        lines = None
        if how == "jsonl" and output is not None:
            lines = stack.enter_context(Lines(output, {one.shown for one in left}))
        show = stack.enter_context(_progress(predictor, len(left), quiet=quiet))
        answers = predictor.stream(left, terms, engine=engine, thumbnails=how == "html")
        for done, (number, prediction) in enumerate(answers, start=1):
            failed += prediction.error is not None
            if lines is None:
                found[number] = prediction
            else:
                lines.add(line_of(prediction, identity))
            show.update(finished=done, failed=failed, expected=len(left))
    report = PredictReport(
        predictions=tuple(found[number] for number in sorted(found)),
        model=predictor.to_dict(terms),
        identity=identity,
        n_asked=len(asked),
        n_failed=failed,
        n_kept=len(kept),
        output=output,
        format=how,
        asked=names,
    )
    if output is not None and how != "jsonl":
        with atomic_write(output) as temporary:
            temporary.write_text(report.text(), encoding="utf-8", newline="")
    return report


def _format(format: Format | None, output: Path | None) -> Format:
    if format is not None:
        if output is not None and format == "table":
            raise OptionError("a table is for reading; write csv, json, jsonl or html to a file")
        return format
    if output is None:
        return "table"
    how = _OF_ENDING.get(output.suffix.lower())
    if how is None:
        raise OptionError(f"{output}: the ending does not say the format; use --format")
    return how


def _fingerprints(asked: list[Asked]) -> dict[str, str | None]:
    return {
        one.shown: fingerprint_file(one.path)
        for one in asked
        if one.path is not None and Path(one.path).is_file()
    }


class _Unseen:
    """Shows nothing."""

    def __enter__(self) -> "_Unseen":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, *, finished: int, failed: int, expected: int | None) -> None:
        """Do nothing."""


def _progress(predictor: Predictor, number: int, *, quiet: bool) -> Any:
    if quiet or number < _SHOWN_FROM:
        return _Unseen()
    from fvc.stages.progress import display

    return display(f"judging with {predictor.name}", quiet=False)


def as_csv(rows: Iterator[dict[str, Any]]) -> str:
    """Write answers as CSV, one line a file, with what spoke most for either side."""
    out = io.StringIO()
    writer = csv.DictWriter(out, _CSV, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        spoke = {}
        for side in ("fake", "real"):
            words = [entry["words"] for entry in row["evidence"] if entry["speaks_for"] == side]
            spoke[f"for_{side}"] = "; ".join(words[:_IN_CSV])
        writer.writerow({**row["expected"], **row, **spoke})
    return out.getvalue()
