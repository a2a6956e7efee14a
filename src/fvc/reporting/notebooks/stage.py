"""Step 6: a notebook a model, made from the registry, and run if asked."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fvc.errors import MissingExtraError, OptionError
from fvc.models import MODEL_CONFIGS
from fvc.models.registry import ModelSpec
from fvc.reporting.notebooks.cells import Cell
from fvc.reporting.notebooks.model_cells import (
    architecture_cells,
    closing_cells,
    methods_cells,
    opening_cells,
    operations_cells,
    training_cells,
)
from fvc.reporting.notebooks.result_cells import loading_cells, results_cells, saved_cells
from fvc.reporting.notebooks.stories import STORIES, Story
from fvc.tables import atomic_write
from fvc.workspace import Workspace

logger = logging.getLogger("fvc.reporting")


@dataclass(frozen=True)
class NotebookReport:
    """The notebooks that were written, and those whose cells failed."""

    folder: str
    notebooks: tuple[dict[str, Any], ...]
    executed: bool = field(default=False)

    @property
    def exit_code(self) -> int:
        """0, or 5 where a notebook failed when it was run."""
        return 5 if any(item["error"] for item in self.notebooks) else 0

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain JSON types."""
        return {
            "folder": self.folder,
            "executed": self.executed,
            "notebooks": list(self.notebooks),
        }

    def summary(self) -> str:
        """Give the report in a few lines for people."""
        failed = [item for item in self.notebooks if item["error"]]
        done = "written and run" if self.executed else "written"
        lines = [f"{len(self.notebooks)} notebooks {done}: {self.folder}"]
        lines += [f"failed: {item['file']}: {item['error']}" for item in failed]
        return "\n".join(lines)


def notebook_name(spec: ModelSpec) -> str:
    """Name the file of a model's notebook."""
    return f"{spec.notebook}_{spec.name}.ipynb"


def notebook_cells(spec: ModelSpec, story: Story) -> list[Cell]:
    """Write all cells of a model's notebook, in the order in which they are read and run."""
    return [
        *opening_cells(spec, story),
        *architecture_cells(spec, story),
        *saved_cells(spec),
        *training_cells(spec),
        *operations_cells(spec),
        *methods_cells(spec),
        *loading_cells(spec),
        *results_cells(spec),
        *closing_cells(story),
    ]


def generate_model_notebooks(
    project: Path = Path("."),
    *,
    model_types: tuple[str, ...] = (),
    execute: bool = False,
    stall_seconds: float = 300.0,
) -> NotebookReport:
    """Write the notebooks of the models into ``src/notebooks`` of a project; run them if asked.

    A notebook is written the same every time: no outputs, no paths of this machine. It runs from
    top to bottom whether its model is trained or not. With `execute` its outputs are kept in it.

    Parameters
    ----------
    project
        Folder of the project.
    model_types
        Models whose notebooks are written; by default all that have one.
    execute
        Run each notebook and keep its outputs. A notebook that fails is reported, and its outputs
        up to the failure are kept.
    stall_seconds
        Seconds that one cell may take when it is run.

    Returns
    -------
    NotebookReport
        Files, and errors of those that failed.

    Raises
    ------
    OptionError
        A model that is not known, or has no notebook.
    MissingExtraError
        The libraries of notebooks are not installed.
    OutputError
        The folder cannot be written.
    """
    specs = _chosen(model_types)
    workspace = Workspace(project)
    written = []
    for place, spec in enumerate(specs, start=1):
        path = workspace.notebooks / notebook_name(spec)
        notebook = _notebook(spec)
        error = None
        if execute:
            error = _run(notebook, workspace.root, stall_seconds)
            logger.info("%d of %d: %s%s", place, len(specs), path.name, " failed" if error else "")
        _write(notebook, path)
        written.append({"model": spec.name, "file": workspace.relative(path), "error": error})
    return NotebookReport(workspace.relative(workspace.notebooks), tuple(written), execute)


def _chosen(model_types: tuple[str, ...]) -> list[ModelSpec]:
    from fvc.models import find_model

    if not model_types:
        return [spec for spec in MODEL_CONFIGS.values() if spec.name in STORIES]
    specs = [find_model(name) for name in model_types]
    for spec in specs:
        if spec.name not in STORIES:
            raise OptionError(f"{spec.name} has no notebook of its own; fvc notebooks --help")
    return specs


def _nbformat() -> Any:
    try:
        import nbformat
    except ImportError:
        raise MissingExtraError("fvc notebooks", "notebooks") from None
    return nbformat


def _notebook(spec: ModelSpec) -> Any:
    v4 = _nbformat().v4
    cells = []
    for place, cell in enumerate(notebook_cells(spec, STORIES[spec.name])):
        make = v4.new_markdown_cell if cell.kind == "markdown" else v4.new_code_cell
        # Random ids would make another file at every run.
        cells.append(make(cell.text, id=f"{spec.name}-{place:02d}"))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return v4.new_notebook(
        cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
    )


def _write(notebook: Any, path: Path) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(_nbformat().writes(notebook) + "\n", encoding="utf-8")


def _run(notebook: Any, folder: Path, seconds: float) -> str | None:
    """Run a notebook in the project's folder; return what went wrong, in a line."""
    try:
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    except ImportError:
        raise MissingExtraError("fvc notebooks --execute", "notebooks") from None
    client = NotebookClient(
        notebook,
        timeout=int(seconds),
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return f"{error.ename}: {error.evalue}"
    except CellTimeoutError:
        return f"a cell took more than {seconds:g} s"
    except DeadKernelError:
        return "the kernel died"
    return None
