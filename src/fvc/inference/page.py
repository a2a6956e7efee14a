"""Answers as one HTML page that needs nothing else: no script, no network, no other file.

Whatever comes from outside (names of files, of models, reasons) is escaped, and a content security
policy forbids all but this page's own style and pictures.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from fvc.inference.prediction import Evidence, Prediction
from fvc.inference.words import feature_words

_SHOWN = 8
_VERDICTS = {"fake": "fake", "real": "real", "undecided": "undecided", None: "not judged"}

_STYLE = """
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--ink:#1b1f24;--soft:#59636e;
--line:#d8dde3;--fake:#b3470f;--real:#1f62b0;--undecided:#6b5a00;--none:#59636e;--warn:#fff4d6;--warn-ink:#5c4300}
@media (prefers-color-scheme:dark){:root{--page:#14171b;--card:#1d2127;--ink:#e8eaed;--soft:#a3adb8;
--line:#363d46;--fake:#ff9a5c;--real:#7db5ff;--undecided:#e3c94f;--none:#a3adb8;--warn:#3a3010;
--warn-ink:#f4dc95}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.05rem;margin:0;overflow-wrap:anywhere}
h3{font-size:.85rem;margin:1rem 0 .35rem;color:var(--soft);font-weight:600}
p{margin:.35rem 0}.soft{color:var(--soft)}
section,article{background:var(--card);border:1px solid var(--line);border-radius:.6rem;
padding:1rem 1.25rem;margin:1rem 0}
.warn{background:var(--warn);color:var(--warn-ink);border-radius:.4rem;padding:.5rem .75rem;
margin:.5rem 0;overflow-wrap:anywhere}
.head{display:flex;gap:.75rem;align-items:baseline;justify-content:space-between}
.verdict{font-weight:700;white-space:nowrap;border:1.5px solid;border-radius:1rem;padding:0 .7rem}
.fake{color:var(--fake)}.real{color:var(--real)}.undecided{color:var(--undecided)}
.none{color:var(--none)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:.25rem 2rem}
.big{font-size:1.35rem;font-weight:650;font-variant-numeric:tabular-nums}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{fill:var(--soft);font-size:10px}
.film{display:grid;grid-template-columns:repeat(6,1fr);gap:.3rem;margin:.75rem 0 0}
.film img{width:100%;height:auto;border-radius:.25rem;display:block}
.bars{display:grid;grid-template-columns:minmax(0,1fr) 8rem 3.2rem;gap:.3rem .75rem;
align-items:center}
.bars span{overflow-wrap:anywhere}
.bar{position:relative;height:.8rem;background:linear-gradient(var(--line),var(--line)) center/1px
100% no-repeat}
.bar i{position:absolute;top:0;bottom:0;border-radius:.15rem;background:currentColor}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
details{margin-top:.75rem}summary{cursor:pointer;color:var(--soft)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.85rem}
th,td{padding:.2rem .5rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th.num,td.num{text-align:right}
@media (max-width:36rem){.film{grid-template-columns:repeat(3,1fr)}
.bars{grid-template-columns:minmax(0,1fr) 4rem 3rem}}
"""


def page(predictions: Sequence[Prediction], model: Mapping[str, Any]) -> Iterator[str]:
    """Write the page, piece by piece.

    Parameters
    ----------
    predictions
        With thumbnails, if they are to be seen.
    model
        As `Predictor.to_dict` returns it.
    """
    counts: dict[str, int] = {}
    for p in predictions:
        counts[_VERDICTS[p.decision]] = counts.get(_VERDICTS[p.decision], 0) + 1
    tally = " · ".join(f"{counts[word]} {word}" for word in _VERDICTS.values() if word in counts)
    number = f"{len(predictions)} video{'s' if len(predictions) != 1 else ''}"
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_text(number)} judged by {_text(model['model'])}</title>"
        f"<style>{_STYLE}</style></head>\n<body><main>"
        f"<h1>{_text(number)} judged by {_text(model['model'])}</h1>"
        f'<p class="soft">{_text(tally)}. The detector is the {_text(_choice(model))}.</p>'
    )
    yield from _worth(model)
    for prediction in predictions:
        yield from _article(prediction)
    yield "</main></body></html>\n"


def _text(value: Any) -> str:
    return escape(str(value), quote=True)


def _choice(model: Mapping[str, Any]) -> str:
    chosen = str(model["chosen_by"])
    return "one that was asked for" if chosen == "asked for" else chosen


def _worth(model: Mapping[str, Any]) -> Iterator[str]:
    """Say what its answers are worth: expected score, rule of decision, warnings."""
    expected, decision = model["expected_performance"], model["decision"]
    yield '<section><h2>What its answers are worth</h2><div class="pair"><div>'
    yield "<h3>Expected ROC AUC on videos that it has not seen</h3>"
    yield f'<p class="big">{_auc(expected)}</p>{_auc_picture(expected)}'
    corrected = expected.get("corrected_for_selection")
    if corrected is not None:
        yield f'<p class="soft">{corrected:.2f} once corrected for the choice of the model.</p>'
    split = expected.get("split") or "grouped"
    yield (
        f'<p class="soft">{_text(expected["n_sources"])} sources ({_text(expected["n_real"])} real,'
        f" {_text(expected['n_fake'])} fake) in {_text(expected['n_groups'])} groups; "
        f"{_text(expected['n_splits'])} folds, {_text(split)}, {_text(expected['repeats'])} "
        "repeat(s); the interval is a 95 % bootstrap over groups. 0.5 is chance.</p></div><div>"
    )
    yield f"<h3>How it decides</h3>{_rule(decision)}{_prevalence(model)}</div></div>"
    for warning in model["warnings"]:
        yield f'<p class="warn">{_text(warning)}</p>'
    yield "</section>\n"


def _auc(expected: Mapping[str, Any]) -> str:
    if expected["roc_auc"] is None:
        return "not known"
    if expected["roc_auc_low"] is None:
        return f"{expected['roc_auc']:.2f}"
    low, high = expected["roc_auc_low"], expected["roc_auc_high"]
    return f"{expected['roc_auc']:.2f} ({low:.2f}–{high:.2f})"


def _auc_picture(expected: Mapping[str, Any]) -> str:
    """Score and interval on a line from 0 to 1, chance marked."""
    if expected["roc_auc"] is None:
        return ""
    line = _axis(("0", "chance", "1"))
    if expected["roc_auc_low"] is not None:
        low, high = (300 * expected[f"roc_auc_{end}"] for end in ("low", "high"))
        line += (
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="8" y2="8" stroke="var(--ink)" '
            'stroke-width="3" stroke-linecap="round"/>'
        )
    line += f'<circle cx="{300 * expected["roc_auc"]:.1f}" cy="8" r="5" fill="var(--ink)"/>'
    return f'<svg viewBox="-6 0 312 32" role="img" aria-label="{_auc(expected)}">{line}</svg>'


def _axis(labels: tuple[str, str, str]) -> str:
    ticks = "".join(
        f'<line x1="{x}" x2="{x}" y1="4" y2="12" stroke="var(--line)" stroke-width="1.5"/>'
        f'<text x="{x}" y="27" text-anchor="{anchor}">{label}</text>'
        for x, anchor, label in zip((0, 150, 300), ("start", "middle", "end"), labels, strict=True)
    )
    return f'<line x1="0" x2="300" y1="8" y2="8" stroke="var(--line)" stroke-width="2"/>{ticks}'


def _rule(decision: Mapping[str, Any]) -> str:
    if decision["rule"] == "threshold":
        return f"<p>Fake from a probability of {decision['threshold']:g} on, else real.</p>"
    if decision["rule"] == "costs":
        low, high = decision["thresholds"]
        band = "" if low == high else f", undecided from {low:.2f} to there"
        return f"<p>By what costs least: fake from a probability of {high:.2f} on{band}.</p>"
    if decision["rule"] == "false_positive_rate":
        rate = _percent(decision["false_positive_rate"])
        return (
            f"<p>Fake where no more than {rate} of the groups of real training sources scored so "
            "high out of fold, else real.</p>"
        )
    said = (
        f"<p>A class is ruled out where no more than {_percent(decision['error_rate'])} of its "
        "videos look so unlike it. What is left decides; if both or none are left, the answer is "
        "undecided.</p>"
    )
    found = decision["out_of_fold"]
    if found and found["coverage_real"] is not None and found["coverage_fake"] is not None:
        said += (
            f'<p class="soft">Out of fold, at {_percent(found["error_rate"])}: '
            f"{_percent(found['wrong_real'])} of real videos were called fake and "
            f"{_percent(found['wrong_fake'])} of fake ones real; {_percent(found['right_real'])} "
            f"and {_percent(found['right_fake'])} were called what they are, the rest undecided."
            "</p>"
        )
    return said


def _prevalence(model: Mapping[str, Any]) -> str:
    given = model["prevalence"]
    if model["calibrator"]["method"] is None:
        return '<p class="soft">The probability is the detector’s score, not calibrated.</p>'
    if given["stated"] is not None:
        return (
            f'<p class="soft">Probabilities are for {_percent(given["stated"])} of fakes among '
            f"such videos, as stated; the training corpus had {_percent(given['training'])}.</p>"
        )
    return (
        f'<p class="soft">Probabilities are calibrated for {_percent(given["training"])} of fakes, '
        "the share in the training corpus. Where fakes are rarer, they are too high.</p>"
    )


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", "&nbsp;%")


def _article(p: Prediction) -> Iterator[str]:
    word = _VERDICTS[p.decision]
    kind = "none" if p.decision is None else word
    yield (
        f'<article><div class="head"><h2>{_text(p.path)}</h2>'
        f'<span class="verdict {kind}">{word}</span></div>'
    )
    if p.probability is None:
        yield f"<p>This file could not be judged: {_text(p.error)}.</p></article>\n"
        return
    if p.video is not None:
        v = p.video
        yield (
            f'<p class="soft">{_text(v["width"])}×{_text(v["height"])}, {v["fps"]:.3g} Hz, '
            f"{v['duration_seconds']:.1f} s, {_text(v['codec'])}</p>"
        )
    if p.thumbnails:
        yield '<div class="film">'
        for number, picture in enumerate(p.thumbnails, start=1):
            data = base64.b64encode(picture).decode("ascii")
            yield f'<img alt="frame {number}" src="data:image/jpeg;base64,{data}">'
        yield "</div>"
    if p.warning:
        yield f'<p class="warn">{_text(p.warning[0].upper() + p.warning[1:])}.</p>'
    what = "Probability of fake" if p.calibrated else "Score, not calibrated"
    yield (
        f'<div class="pair"><div><h3>{what}</h3><p class="big {kind}">{p.probability:.2f}</p>'
        f"{_meter(p.probability, kind)}</div>"
        f'<div><h3>Beside it, the detector’s expected ROC AUC</h3><p class="big">'
        f"{_auc(p.expected)}</p>{_auc_picture(p.expected)}</div></div>"
        f"<p>{_text(word.capitalize())}: {_text(p.reason)}.</p>"
    )
    yield from _evidence(p.evidence)
    yield "</article>\n"


def _meter(probability: float, kind: str) -> str:
    return (
        f'<svg viewBox="-6 0 312 32" role="img" aria-label="{probability:.2f}">'
        f"{_axis(('real', '', 'fake'))}"
        f'<line x1="0" x2="{300 * probability:.1f}" y1="8" y2="8" stroke="var(--{kind})" '
        'stroke-width="5" stroke-linecap="round"/>'
        f'<circle cx="{300 * probability:.1f}" cy="8" r="6" fill="var(--{kind})"/></svg>'
    )


def _evidence(evidence: Sequence[Evidence]) -> Iterator[str]:
    speaking = [entry for entry in evidence if entry.speaks_for][:_SHOWN]
    largest = max((abs(entry.contribution or 0.0) for entry in speaking), default=0.0)
    if speaking:
        yield (
            '<h3>What spoke for <span class="real">real (left)</span> and for '
            '<span class="fake">fake (right)</span>, in log odds</h3><div class="bars">'
        )
        for entry in speaking:
            value = entry.contribution or 0.0
            half = 50 * abs(value) / largest
            side = "left" if value > 0 else "right"
            yield (
                f"<span>{_text(entry.words)}</span>"
                f'<span class="bar {entry.speaks_for}"><i style="{side}:50%;width:{half:.1f}%">'
                f'</i></span><span class="num">{_signed(value)}</span>'
            )
        yield "</div>"
    yield (
        f'<details><summary>All {len(evidence)} features</summary><div class="wide"><table>'
        '<tr><th>feature</th><th class="num">value</th><th class="num">log odds</th>'
        '<th class="num">real sources below</th><th class="num">fake sources below</th></tr>'
    )
    for entry in evidence:
        shares = (
            "–" if share is None else _percent(share)
            for share in (entry.below_real, entry.below_fake)
        )
        value_text = "missing" if entry.value is None else f"{entry.value:.4g}"
        outside = " (outside the training range)" if entry.outside else ""
        log_odds = "–" if entry.contribution is None else _signed(entry.contribution)
        yield (
            f"<tr><td>{_text(feature_words(entry.feature))}{outside}</td>"
            f'<td class="num">{value_text}</td><td class="num">{log_odds}</td>'
            + "".join(f'<td class="num">{share}</td>' for share in shares)
            + "</tr>"
        )
    yield "</table></div></details>"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
