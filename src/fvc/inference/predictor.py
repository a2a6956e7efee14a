"""A trained detector, ready to judge files."""

import json
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from fvc.engines import LocalEngine
from fvc.errors import DataError, MissingInputError, OptionError
from fvc.inference.asking import Asked, expand
from fvc.inference.card import Card
from fvc.inference.caveats import caveats
from fvc.inference.judging import Terms, check_terms, judge
from fvc.inference.measuring import Measured, MeasureVideo
from fvc.inference.nets import TABULAR, family_of, open_detector
from fvc.inference.prediction import Prediction
from fvc.models.loading import load_detector
from fvc.stages.identity import fingerprint_file

Paths = str | PathLike[str] | Iterable[str | PathLike[str]]


@dataclass(frozen=True)
class Predictor:
    """A trained detector that judges files; `fvc.load` makes one.

    Attributes
    ----------
    folder
        Where it lies.
    card
        What is known of it.
    trust
        Whether a pickle may be read.
    chosen_by
        How it came to be this one.
    leaderboard
        ``warning``, ``notes``, ``corrected_for_selection``; empty where there is no leaderboard.
    """

    folder: Path
    card: Card
    trust: bool = False
    chosen_by: str = "asked for"
    leaderboard: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.card.model

    @cached_property
    def expected(self) -> dict[str, Any]:
        """What to expect of it on new groups."""
        return self.card.expected()

    @cached_property
    def detector(self) -> Any:
        """The detector itself, loaded on first use; linear ones come as plain numbers.

        Raises
        ------
        DataError
            It does not fit its card, or is damaged.
        """
        if self.card.linear is not None:
            return self.card.linear
        if family_of(self.card.document) != TABULAR:
            return open_detector(self.folder, self.card.document, trust=self.trust)
        detector = load_detector(self.folder, trust=self.trust)
        if list(getattr(detector, "feature_names_", ())) != list(self.card.feature_names):
            raise DataError(f"the detector in {self.folder} does not fit the card beside it")
        return detector

    def predict(
        self,
        paths: Paths,
        *,
        error_rate: float = 0.1,
        threshold: float | None = None,
        prevalence: float | None = None,
        false_positive_rate: float | None = None,
        cost_false_alarm: float | None = None,
        cost_miss: float | None = None,
        cost_undecided: float | None = None,
        workers: int | None = None,
        stall_seconds: float = 120.0,
        memory_limit_mib: int | None = None,
        thumbnails: bool = False,
    ) -> list[Prediction]:
        """Judge files. A script that calls this does so under ``if __name__ == "__main__":``.

        Parameters
        ----------
        paths
            A file, folder, pattern or table of paths, or several.
        error_rate
            Share of real, and of fake, videos that may be called the other; 0 … 0.5.
        threshold
            Probability from which on a video is called fake, instead of an error rate.
        prevalence
            Share of fakes among such videos, 0 … 1; by default that of the training corpus.
        false_positive_rate
            Share of real videos that may be called fake, instead of an error rate.
        cost_false_alarm, cost_miss, cost_undecided
            What mistakes and no decision cost, instead of an error rate.
        workers, stall_seconds, memory_limit_mib
            As in `fvc.engines.LocalEngine`.
        thumbnails
            Keep small pictures of six frames.

        Returns
        -------
        list of Prediction
            In the order asked; a file that cannot be judged has no probability and a reason.

        Raises
        ------
        OptionError
            A value out of range.
        """
        asked = expand([paths] if isinstance(paths, str | PathLike) else paths)
        found = self.stream(
            asked,
            Terms(
                error_rate,
                threshold,
                prevalence,
                false_positive_rate,
                cost_false_alarm,
                cost_miss,
                cost_undecided,
            ),
            engine=LocalEngine(
                workers, stall_seconds=stall_seconds, memory_limit_mib=memory_limit_mib
            ),
            thumbnails=thumbnails,
        )
        return [prediction for _, prediction in sorted(found, key=lambda pair: pair[0])]

    def stream(
        self,
        asked: Iterable[Asked],
        terms: Terms,
        *,
        engine: LocalEngine | None = None,
        thumbnails: bool = False,
    ) -> Iterator[tuple[int, Prediction]]:
        """Judge files and give answers as they come, each with the position of its file.

        Parameters
        ----------
        asked
            As `expand` gives them; may be endless.
        terms
            How to decide.
        engine
            Where files are measured; processes on this machine by default.
        thumbnails
            Keep small pictures of six frames.
        """
        check_terms(terms, self.card)
        # Scikit-learn takes as long to import as a worker takes to measure a short clip.
        loading = threading.Thread(target=self._load_quietly, daemon=True)
        loading.start()
        scratch = tempfile.mkdtemp(prefix="fvc-predict-")
        waiting: dict[int, Asked] = {}
        nowhere: list[tuple[int, Asked]] = []

        def units() -> Iterator[tuple[int, str]]:
            for number, one in enumerate(asked):
                if one.path is None:
                    nowhere.append((number, one))
                else:
                    waiting[number] = one
                    yield number, one.path

        work = MeasureVideo(self.card.recipe, scratch, thumbnails)
        outcomes = (engine or LocalEngine()).submit(work, units())
        try:
            for outcome in outcomes:
                yield from self._unjudged(nowhere)
                number = outcome.unit[0]
                one = waiting.pop(number)
                facts: dict[str, Any] = {**self._facts(one), "seconds": outcome.seconds}
                if outcome.value is not None:
                    loading.join()
                    yield number, self._judged(outcome.value, terms, facts)
                    continue
                # A process that was ended leaves its copies behind.
                for left in Path(scratch).glob(f"{number}-*"):
                    shutil.rmtree(left, ignore_errors=True)
                assert outcome.failure is not None
                kind, reason = outcome.failure.kind, outcome.failure.reason
                yield (
                    number,
                    Prediction(
                        probability=None, decision=None, error=reason, error_kind=kind, **facts
                    ),
                )
            yield from self._unjudged(nowhere)
        finally:
            outcomes.close()
            shutil.rmtree(scratch, ignore_errors=True)
            loading.join()

    def _load_quietly(self) -> None:
        """Load the detector ahead of its use; what goes wrong is raised there."""
        try:
            self.detector  # noqa: B018 - the property keeps what it loads
        except (OSError, ValueError, OptionError, DataError, MissingInputError, ImportError):
            return

    def _unjudged(self, nowhere: list[tuple[int, Asked]]) -> Iterator[tuple[int, Prediction]]:
        while nowhere:
            number, one = nowhere.pop()
            yield number, Prediction(
                path=one.shown, probability=None, decision=None, error=one.reason,
                error_kind=one.kind, model=self.name, expected=self.expected,
            )  # fmt: skip

    def _facts(self, one: Asked) -> dict[str, Any]:
        assert one.path is not None
        try:
            size = Path(one.path).stat().st_size if Path(one.path).is_file() else None
        except OSError:
            size = None
        return {
            "path": one.shown,
            "model": self.name,
            "expected": self.expected,
            "size_bytes": size,
            "fingerprint": None if size is None else fingerprint_file(one.path),
        }

    def _judged(self, measured: Measured, terms: Terms, facts: dict[str, Any]) -> Prediction:
        X: Any = [measured]
        if family_of(self.card.document) == TABULAR:
            row = [measured.features[name] for name in self.card.feature_names]
            X = np.array([row], dtype=np.float32)
        judged = judge(X, self.detector, self.card, terms)[0]
        return Prediction(
            **vars(judged), video=measured.video, thumbnails=measured.thumbnails, **facts
        )

    def identity(self, terms: Terms) -> str:
        """Give 32 hexadecimal digits that change with the detector and the terms."""
        text = json.dumps([dict(self.card.document), vars(terms)], sort_keys=True, default=str)
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def warnings(self) -> list[str]:
        """Say what a reader of every answer has to know, the gravest first."""
        return caveats(self.card, self.leaderboard)

    def coverage(self, error_rate: float) -> dict[str, Any] | None:
        """Give what decisions came to out of fold at the nearest error rate that was tried."""
        rows = self.card.out_of_fold
        if not rows:
            return None
        return dict(min(rows, key=lambda row: abs(row["error_rate"] - error_rate)))

    def _found(self, terms: Terms) -> dict[str, Any] | None:
        """Give what the rule came to out of fold; thresholds and costs: `fvc decisions` does."""
        if terms.rule == "conformal":
            return self.coverage(terms.error_rate)
        if terms.false_positive_rate is not None:
            return self.coverage(terms.false_positive_rate)
        return None

    def to_dict(self, terms: Terms) -> dict[str, Any]:
        """Describe the detector and the terms in plain JSON types."""
        calibrator = self.card.calibrator
        return {
            "model": self.name,
            "folder": str(self.folder),
            "chosen_by": self.chosen_by,
            "expected_performance": {
                **self.expected,
                "corrected_for_selection": self.leaderboard.get("corrected_for_selection"),
            },
            "trained_on": self.card.document.get("trained_on"),
            "calibrator": dict(calibrator),
            "prevalence": {
                "training": self.card.prevalence,
                "stated": terms.prevalence,
            },
            "decision": {
                "rule": terms.rule,
                "threshold": terms.threshold,
                "error_rate": terms.error_rate if terms.rule == "conformal" else None,
                "false_positive_rate": terms.false_positive_rate,
                "costs": None if terms.costs is None else vars(terms.costs),
                "thresholds": None if terms.costs is None else list(terms.costs.thresholds),
                "out_of_fold": self._found(terms),
                "groups": {name: t.n_groups for name, t in self.card.decisions.items()},
            },
            "warnings": self.warnings(),
            "identity": self.identity(terms),
        }


__all__ = ["Predictor"]
