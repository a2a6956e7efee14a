"""What the features of a training were made with, so that `fvc predict` can do the same."""

import json
from typing import Any

from fvc.stages import recorder as field
from fvc.stages.journal import journal_paths
from fvc.transcoding.matching import read_matching
from fvc.workspace import StageFiles, Workspace


def input_settings(workspace: Workspace, tables: tuple[int, ...]) -> dict[str, Any]:
    """Collect the settings of the stages that a detector's features come from.

    Parameters
    ----------
    workspace
        The project.
    tables
        Numbers of the stages whose tables are read.

    Returns
    -------
    dict
        By verb (``augment``, ``features``, ``scale``, ``scaled-features``) the settings of the
        stage's latest run; None where the table was not made by a run of the stage. In a matched
        project ``match`` too.
    """
    stages = {2: (1, 2), 3: (1, 3), 4: (1, 3, 4)}
    wanted = sorted({number for table in tables for number in stages.get(table, ())})
    found = {
        files.command: _latest(files)
        for files in (workspace.stages[number - 1] for number in wanted)
    }
    matching = read_matching(workspace)
    return found if matching is None else {"match": {"matching": matching.to_dict()}} | found


def _latest(files: StageFiles) -> dict[str, Any] | None:
    """Read the settings of the run with the highest number from a stage's journals."""
    start = f'{{"{field.SETTINGS}":'.encode()
    newest, settings = -1, None
    for path in journal_paths(files.folder / ".journal"):
        with path.open("rb") as lines:
            for line in lines:
                if not line.startswith(start) or not line.endswith(b"\n"):
                    continue
                header = json.loads(line)
                if header[field.GENERATION] >= newest:
                    newest = header[field.GENERATION]
                    settings = json.loads(header[field.SETTINGS])
    return settings
