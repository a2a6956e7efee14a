"""Features of another corpus, made as the detector's own were, and what both corpora share."""

import inspect
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl

from fvc.augmentation import stage1_augment_videos
from fvc.dataset import setup_dataset
from fvc.errors import DataError, MissingInputError
from fvc.features import stage2_extract_features, stage4_extract_scaled_features
from fvc.scaling import stage3_scale_videos
from fvc.stages import RunOptions
from fvc.stages.identity import fingerprint_file
from fvc.training.inputs import input_settings
from fvc.transcoding import Matching, match_sources, read_matching
from fvc.workspace import Workspace

_STAGES: dict[str, Callable[..., Any]] = {
    "augment": stage1_augment_videos,
    "features": stage2_extract_features,
    "scale": stage3_scale_videos,
    "scaled-features": stage4_extract_scaled_features,
}
# These say how many variants there are, and a detector is scored on none.
_OF_VARIANTS = frozenset({"num_augmentations", "augmentations", "seed"})


def make_features(
    other: Workspace, corpus: Path, inputs: dict[str, Any], run: RunOptions
) -> list[str]:
    """Index a corpus and make the features that a detector reads, without variants.

    Parameters
    ----------
    other
        The project to make them in.
    corpus
        As for `setup_dataset`.
    inputs
        Settings of the stages that made what the detector reads, by verb.
    run
        How the work is run.

    Returns
    -------
    list of str
        Stages whose settings the card does not know, so that defaults were taken.
    """
    match = inputs.get("match")
    # A matched project is made of another one, which holds the raw files' index.
    raw = other if match is None else Workspace(other.root / "unmatched")
    setup_dataset(raw.root, corpus=corpus, workers=run.workers)
    if match is not None:
        _match_like(raw, other, Matching.from_dict(match["matching"]), run)
    assumed = []
    for verb, settings in inputs.items():
        if verb == "match":
            continue
        function = _STAGES[verb]
        known = inspect.signature(function).parameters
        given = {k: v for k, v in (settings or {}).items() if k in known and k not in _OF_VARIANTS}
        if settings is None:
            assumed.append(verb)
        if verb == "augment":
            given["num_augmentations"] = 0
        function(other.root, **given, run=run)
    return assumed


def _match_like(raw: Workspace, other: Workspace, matching: Matching, run: RunOptions) -> None:
    crf = 23 if matching.encoding is None else int(dict(matching.encoding.options)["crf"])
    match_sources(
        raw.root,
        match=matching.aspects,
        longer_side=matching.longer_side,
        fps=None if matching.fps is None else float(Fraction(matching.fps)),
        crf=crf,
        to=other.root,
        run=run,
    )
    if read_matching(other) != matching:
        raise DataError(
            f"{other.root}: this version matches otherwise than the detector's clips were matched "
            f"({matching.words}); train it again"
        )


def _matched_words(match: dict[str, Any] | None) -> str:
    if match is None:
        return "not matched"
    return f"matched ({Matching.from_dict(match['matching']).words})"


def check_same_settings(other: Workspace, inputs: dict[str, Any], tables: tuple[int, ...]) -> None:
    """Make sure that a project's features were made as the detector's own.

    Raises
    ------
    DataError
        A stage had other settings.
    """
    there = input_settings(other, tables)
    if there.get("match") != inputs.get("match"):
        own = inputs.get("match")
        raise DataError(
            f"{other.root} is {_matched_words(there.get('match'))}, and the detector's clips are "
            f"{_matched_words(own)}: their scores would not compare"
        )
    for verb, settings in inputs.items():
        found = there.get(verb)
        if settings is None or found is None:
            continue
        for name in sorted(set(settings) - _OF_VARIANTS):
            if found.get(name) != settings[name]:
                raise DataError(
                    f"{other.root}: `fvc {verb}` ran with {name} {found.get(name)!r}, the "
                    f"detector's features with {settings[name]!r}: their scores would not compare"
                )


def shared_sources(
    own: pl.DataFrame, own_space: Workspace, index: pl.DataFrame, other: Workspace
) -> tuple[set[str], set[str], int]:
    """Find sources of another corpus that the training corpus has too.

    Parameters
    ----------
    own, own_space
        Index and project of the training corpus.
    index, other
        Those of the other one.

    Returns
    -------
    (set, set, int)
        Sources that are shared: equal raw files, or the same id on the same platform; groups that
        they are in, which leave as wholes; and raw files of the training corpus that are not there
        any more and could not be compared.
    """
    found = [fingerprint_file(own_space.absolute(path)) for path in own[_raw_column(own)]]
    missing = sum(one in ("absent", "unreadable") for one in found)
    prints = set(found)
    prints -= {"absent", "unreadable"}
    ids = {pair for pair in own.select("platform", "video_id").iter_rows() if None not in pair}
    shared = set()
    raw = pl.col(_raw_column(index)).alias("raw")
    for row in index.select("source", raw, "platform", "video_id").iter_rows(named=True):
        same_file = fingerprint_file(other.absolute(row["raw"])) in prints
        if same_file or (row["platform"], row["video_id"]) in ids:
            shared.add(row["source"])
    groups = set(index.filter(pl.col("source").is_in(sorted(shared)))["group"])
    return shared, groups, missing


def _raw_column(index: pl.DataFrame) -> str:
    """Name the column of raw files: in a matched project the index's own are made from them."""
    return "matched_from" if "matched_from" in index.columns else "video_path"


def open_other(other: Workspace) -> None:
    """Make sure that there is a project.

    Raises
    ------
    MissingInputError
        There is no index.
    """
    if not other.index_csv.is_file():
        raise MissingInputError(
            "there is no index of the other corpus",
            path=other.index_csv,
            remedy="Run `fvc setup` and the stages there, or give its folder with --corpus",
        )
