"""A detector's card for people: ``card.md`` says in words what ``card.json`` says to programs."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fvc.tables import atomic_write, write_json_atomic

JSON, PAGE = "card.json", "card.md"

_METRICS = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "f1": "F1 of fakes",
    "brier": "Brier score",
}
_SMALL = 200
_CHANCE = 0.5


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write a detector's card, for programs and for people.

    Parameters
    ----------
    folder
        For ``card.json`` and ``card.md``.
    card
        As `fvc.training.final.card` makes it.
    """
    with atomic_write(folder / PAGE) as temporary:
        temporary.write_text(card_page(card), encoding="utf-8")
    write_json_atomic(folder / JSON, dict(card))


def card_page(card: Mapping[str, Any]) -> str:
    """Tell a card in Markdown: what to expect, what it is, what it was fitted to, its limits."""
    of = f" (another name of `{card['alias_of']}`)" if card["alias_of"] else ""
    parts = [
        f"# {card['model']}{of}",
        f"{card['description']}. After: {card['reference']}.",
        *(f"> **{warning}**" for warning in _warnings(card)),
        "## What to expect of it",
        _table(("metric", "mean over folds", "95 % interval"), _metrics(card)),
        _measured_on(card["expected_performance"]),
        "## What it is",
        _table(("fact", "value"), _made_of(card)),
        "## What it was fitted to",
        _table(("fact", "value"), _data(card)),
        "## Limits",
        "\n".join(f"- {limit}" for limit in _limits(card)),
    ]
    return "\n\n".join(parts) + "\n"


def _warnings(card: Mapping[str, Any]) -> Iterator[str]:
    if card.get("simulated"):
        yield "The corpus is simulated: these numbers say nothing about real videos."
    if _is_tiny(card):
        yield "Built in its smallest form (`--tiny`): to try the way, not for results."
    if card.get("random_weights"):
        yield (
            "Training began with random weights, not with published ones, or it rests on a net "
            "whose training did."
        )
    if not card["expected_performance"]["complete"]:
        yield f"Incomplete: {card['expected_performance']['incomplete_reason']}."


def _is_tiny(card: Mapping[str, Any]) -> bool:
    return bool(card.get("tiny") or card.get("net", {}).get("tiny"))


def _metrics(card: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    expected = card["expected_performance"]
    for key, name in _METRICS.items():
        value, low, high = (expected.get(key + end) for end in ("", "_low", "_high"))
        if value is not None:
            between = "" if low is None or high is None else f"{low:.2f} to {high:.2f}"
            yield name, f"{value:.3f}", between or "none: too few groups or folds"


def _measured_on(expected: Mapping[str, Any]) -> str:
    return (
        f"The {expected['what']}. Unit: {expected['unit']}; {expected['n_scored']:,} of "
        f"{expected['n_sources']:,} sources were scored ({expected['n_real']:,} real, "
        f"{expected['n_fake']:,} fake, in {expected['n_groups']:,} groups), in "
        f"{expected['n_splits']} grouped folds; repeats of the folds: {expected['repeats']}."
    )


def _made_of(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "family", card["family"]
    if names := card["feature_names"]:
        yield "reads", f"{len(names)} features: {', '.join(names)}"
    if members := card.get("members"):
        yield "members", ", ".join(f"{each['model']} ({each['weight']:.2f})" for each in members)
    if embedding := card.get("embedding"):
        yield "frozen backbone", str(embedding["backbone"])
    if video := card.get("video"):
        yield "reads", f"{video['num_frames']} frames of {video['size']} pixels a side"
    yield from _size(card)
    if weights := card.get("weights"):
        yield "weights", _weights(weights)
    yield (
        "settings",
        ", ".join(f"{k} {v}" for k, v in card["settings"].items()) or "the model's own",
    )
    yield "settings chosen by", card["settings_chosen_by"]
    if training := card.get("training"):
        yield (
            "training",
            f"epochs: {training['epochs_done']}; clips an update: "
            f"{training['effective_batch_size']}",
        )
        if training["memory"]:
            yield "memory", training["memory"]


def _size(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    net, published = card.get("net"), card.get("full_size")
    if net:
        yield "parameters", f"{net['parameters']:,}"
    elif published and not _is_tiny(card):
        yield "parameters", f"{published['parameters']:,}, of the frozen backbone"
    if published and not _is_tiny(card):
        yield (
            "operations",
            f"{published['gflops']:g} GFLOPs a clip, a multiplication and an addition being two",
        )


def _weights(weights: Mapping[str, Any]) -> str:
    if weights["random"]:
        return "random"
    said = [f"{weights['kind']}: {weights['source'] or 'a file'}"]
    if weights["licence"]:
        said.append(f"licence {weights['licence']}")
    if weights["sha256"]:
        said.append(f"SHA-256 {weights['sha256']}")
    return "; ".join(said)


def _data(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    on, split = card["trained_on"], card["split"]
    yield "sources", f"{on['n_sources']:,} ({on['n_real']:,} real, {on['n_fake']:,} fake)"
    yield "groups", f"{on['n_groups']:,}, whole on one side of every split"
    yield "clips", f"{on['n_clips']:,}, variants included; a source weighs the same with any number"
    yield "split", f"{split['kind']}, seed {split['seed']}, hash {split['hash']}"
    calibrator = card["calibrator"]
    yield "calibrated by", str(calibrator.get("method") or f"nothing: {calibrator.get('reason')}")
    yield "made with", ", ".join(f"{name} {of}" for name, of in card["versions"].items())


def _limits(card: Mapping[str, Any]) -> Iterator[str]:
    expected = card["expected_performance"]
    low, high = expected.get("roc_auc_low"), expected.get("roc_auc_high")
    if low is None or low <= _CHANCE:
        yield "It is not shown to be better than chance: the interval of its ROC AUC says so."
    elif high is not None and expected["n_groups"] < _SMALL:
        yield f"{expected['n_groups']:,} groups are few: the intervals are wide for that reason."
    missing = expected["n_sources"] - expected["n_scored"]
    if missing:
        yield f"Sources that could not be scored, and are in no metric: {missing:,}."
    yield (
        "It was measured on new groups of the same collections. Collections, platforms and cameras "
        "that it has not seen are another matter: `fvc holdout`."
    )
    yield (
        "What tells the classes apart in this corpus may be size, encoder or origin, and not what "
        "was altered: `fvc confounds`, `fvc audit`, `fvc match`."
    )
    yield (
        "A score is no proof. What it says of one video depends on how many fakes are among those "
        "that are asked about: `fvc predict --prevalence`."
    )
    licence = (card.get("weights") or {}).get("licence") or ""
    if "NC" in licence:
        yield f"The weights that it began with are not for commercial use ({licence})."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)
