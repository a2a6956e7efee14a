"""The answer to one file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Decision = Literal["real", "fake", "undecided"]


@dataclass(frozen=True)
class Evidence:
    """One feature of a file.

    Attributes
    ----------
    feature
        Its name.
    words
        Its value among those of the training sources, in words.
    value
        None where it could not be measured.
    contribution
        What it adds to the detector's log odds of fake; None for a detector that does not add up.
    below_real, below_fake
        Share of real and of fake training sources that lie below the value, 0 … 1.
    outside
        Whether it lies outside the range of all training sources.
    """

    feature: str
    words: str
    value: float | None
    contribution: float | None
    below_real: float | None
    below_fake: float | None
    outside: bool

    @property
    def speaks_for(self) -> str | None:
        """``"fake"`` or ``"real"``; None where it adds nothing."""
        if not self.contribution:
            return None
        return "fake" if self.contribution > 0 else "real"

    def to_dict(self) -> dict[str, Any]:
        """Give it in plain JSON types."""
        return {**vars(self), "speaks_for": self.speaks_for}


@dataclass(frozen=True)
class Prediction:
    """What a detector says about one file, or why it says nothing.

    Attributes
    ----------
    path
        The file as it was asked for.
    probability
        Probability of being fake, 0 … 1; None where the file could not be judged.
    decision
        ``"real"``, ``"fake"``, ``"undecided"``; None where the file could not be judged.
    error, error_kind
        Why it could not be judged: a sentence, and a word to count by.
    reason
        Why the decision is what it is.
    calibrated
        Whether `probability` is calibrated; if not, it is the detector's score.
    score
        The detector's own score, 0 … 1.
    p_real, p_fake
        Conformal p-values of the classes; None where there are too few groups.
    unfamiliarity
        ``distance`` from the training sources, ``p_value``, ``unfamiliar``, ``outside`` (features)
        and ``warning``.
    evidence
        Features, those that added most first.
    baseline
        Log odds of the score before any feature: with the contributions it adds up to its logit.
    model
        Name of the detector.
    expected
        The detector's expected performance on new groups.
    video
        What the file is: size, rate, length, codec.
    size_bytes, fingerprint
        Of the file; None where it could not be read.
    seconds
        Time that it took.
    thumbnails
        JPEG files, where asked for.
    """

    path: str
    probability: float | None
    decision: Decision | None
    error: str | None = None
    error_kind: str | None = None
    reason: str | None = None
    calibrated: bool = False
    score: float | None = None
    p_real: float | None = None
    p_fake: float | None = None
    unfamiliarity: Mapping[str, Any] | None = None
    evidence: tuple[Evidence, ...] = ()
    baseline: float | None = None
    model: str = ""
    expected: Mapping[str, Any] = field(default_factory=dict)
    video: Mapping[str, Any] | None = None
    size_bytes: int | None = None
    fingerprint: str | None = None
    seconds: float = 0.0
    thumbnails: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def warning(self) -> str | None:
        """Why the file is unlike what the detector was trained on; None where it is not."""
        return None if self.unfamiliarity is None else self.unfamiliarity["warning"]

    def to_dict(self) -> dict[str, Any]:
        """Give it in plain JSON types, without the thumbnails."""
        expected = {
            key: self.expected.get(key)
            for key in ("roc_auc", "roc_auc_low", "roc_auc_high", "n_sources", "simulated")
        }
        return {
            "path": self.path,
            "probability": self.probability,
            "decision": self.decision,
            "error": self.error,
            "error_kind": self.error_kind,
            "reason": self.reason,
            "warning": self.warning,
            "calibrated": self.calibrated,
            "score": self.score,
            "p_real": self.p_real,
            "p_fake": self.p_fake,
            "unfamiliarity": None if self.unfamiliarity is None else dict(self.unfamiliarity),
            "evidence": [entry.to_dict() for entry in self.evidence],
            "baseline": self.baseline,
            "model": self.model,
            "expected": expected,
            "video": None if self.video is None else dict(self.video),
            "size_bytes": self.size_bytes,
            "fingerprint": self.fingerprint,
            "seconds": round(self.seconds, 3),
        }
