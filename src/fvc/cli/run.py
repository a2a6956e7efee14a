"""``fvc run``: stages 1 to 5 with the options of all of them."""

import functools
import inspect
from collections import Counter
from typing import Annotated, Any

from cyclopts import Parameter

from fvc.cli.leaderboard import show_training
from fvc.cli.verb import documented, options_of, report_verb
from fvc.pipeline import STAGES, PipelineReport, run_pipeline, stage_function

_SHARED = {p.name for p in options_of(run_pipeline)}


def stage_options() -> dict[str, tuple[str, inspect.Parameter]]:
    """Give every stage's own options as ``--<verb>.<option>``, and as ``--<option>`` if unique."""
    found = [
        (verb, parameter)
        for verb in STAGES
        for parameter in options_of(stage_function(verb))
        if parameter.name not in _SHARED
    ]
    times = Counter(parameter.name for _, parameter in found)
    options = {}
    for verb, parameter in found:
        flag = parameter.name.replace("_", "-")
        names = [f"--{verb}.{flag}"] + [f"--{flag}"] * (times[parameter.name] == 1)
        help = documented(stage_function(verb)).get(parameter.name)
        key = f"{verb}_{parameter.name}".replace("-", "_")
        note = Parameter(name=names, group=f"Options of `{verb}`", help=help)
        annotation: Any = Annotated[parameter.annotation, note]
        options[key] = verb, parameter.replace(name=key, annotation=annotation)
    return options


def _make() -> Any:
    own = [p for p in options_of(run_pipeline) if p.name != "options"]
    of_stages = stage_options()

    @functools.wraps(run_pipeline)
    def run_stages(**given: Any) -> PipelineReport:
        by_verb: dict[str, dict[str, Any]] = {}
        for key in of_stages.keys() & given.keys():
            verb, _ = of_stages[key]
            name = key.removeprefix(verb.replace("-", "_") + "_")
            by_verb.setdefault(verb, {})[name] = given.pop(key)
        return run_pipeline(**given, options=by_verb)

    return report_verb(
        run_stages,
        [*own, *(parameter for _, parameter in of_stages.values())],
        name="run",
        example="fvc run --num-augmentations 5 --model-types logistic_regression svm",
        results=lambda workspace: workspace.data,
        show=show_training,
    )


command = _make()
