"""`run_stage`: a stage's units, whatever happens to some of them or to this process."""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sized

from fvc.engines import Engine, Failure, create_engine
from fvc.errors import DataError, FVCError, NothingLeftError, OptionError
from fvc.stages.compaction import plan_table, python_types, table_columns, write_stage_table
from fvc.stages.failures import update_failures
from fvc.stages.folder import StageFolder
from fvc.stages.identity import Keys, described_settings
from fvc.stages.journal import Journal
from fvc.stages.locks import PartLock
from fvc.stages.options import Part, RunOptions
from fvc.stages.progress import Display, display, log_file
from fvc.stages.recorder import Recorder, Task, begun_line, failure_line, settings_line
from fvc.stages.stage import Stage, StageReport, Unit
from fvc.stages.state import State, changed_settings
from fvc.workspace import Workspace

_log = logging.getLogger(__name__)
EXIT_TERMINATED = 143


def run_stage(
    stage: Stage,
    units: Iterable[Unit],
    workspace: Workspace,
    options: RunOptions | None = None,
    *,
    total: int | None = None,
    engine: Engine | None = None,
) -> StageReport:
    """Do a stage's units, or those of a part, and write its table when all are there.

    What an earlier run did with the same input and settings is kept. What fails is a row of
    ``data/failures.csv``. While anything of the stage is still to be done there is no table: a
    reader sees a whole one or none.

    Parameters
    ----------
    stage
        What to do.
    units
        All units of the stage, in the table's order, also where only a part is to be done. An
        iterator is read as the work goes on, and never held.
    workspace
        The project.
    options
        How to run; by default all units, on this machine.
    total
        The number of units, where `units` cannot tell.
    engine
        Where to run; by default what the options say.

    Raises
    ------
    NothingLeftError
        Every unit of the stage failed.
    DataError
        There are no units, two have the same id, or with ``strict`` one failed.
    LockedError
        Another process runs this stage or this part of it.
    OutputError
        The disk is full, read-only or forbidden. What is done is kept.
    SystemExit
        With code 143, on SIGTERM. Running units are given up; the same command goes on from here.
    """
    options = options or RunOptions()
    if total is None and isinstance(units, Sized):
        total = len(units)
    if engine is None:
        engine = create_engine(
            options.engine,
            workers=options.workers,
            stall_seconds=options.stall_seconds,
            memory_limit_mib=options.memory_limit_mib,
            scheduler=options.scheduler,
            folder=workspace.root,
        )
    run = _Run(stage, workspace, options, total)
    with _terminable(), log_file(workspace.logs(stage.number), run.log_label):
        return run(units, engine)


class _Run:
    """One run of one part of a stage."""

    def __init__(
        self, stage: Stage, workspace: Workspace, options: RunOptions, total: int | None
    ) -> None:
        self.stage = stage
        self.workspace = workspace
        self.options = options
        self.part: Part = options.part
        self.title = f"stage {stage.number} ({stage.name})"
        self.folder = StageFolder(stage.files, workspace.root)
        self.columns = table_columns(stage)
        self.keys = Keys(stage)
        self.total = total
        self.seen: dict[str, str] = {}
        self.state: State
        self.generation = 0
        self.done = self.resumed = self.failed = self.known = 0
        self.has_begun = False
        self.start = time.monotonic()

    @property
    def log_label(self) -> str:
        label = "" if self.part.is_whole else f"-{self.part.label}"
        return f"{os.getpid()}{label}"

    def __call__(self, units: Iterable[Unit], engine: Engine) -> StageReport:
        lock = PartLock(self.folder.journals, self.part, self.title)
        with lock.gate():
            lock.acquire()
        try:
            with lock.gate():
                self._open(lock)
            with Journal(self.folder.journal(self.part)) as journal:
                self._begin(journal, engine)
                try:
                    with display(self.title, quiet=self.options.quiet) as shown:
                        self._work(units, engine, journal, shown)
                except BaseException as error:
                    self._stopped(error)
                    raise
            return self._finish()
        finally:
            with contextlib.suppress(OSError, FVCError), lock.gate():
                if lock.is_alone:
                    self.folder.remove_leftovers()
            lock.release()

    def _open(self, lock: PartLock) -> None:
        if lock.is_alone:
            self.folder.remove_leftovers()
        if self.options.delete_existing and self.part.is_whole:
            self.folder.clear()
        self.generation = self.folder.next_generation()

    def _begin(self, journal: Journal, engine: Engine) -> None:
        self.snapshot = self.folder.signature()
        self.state = self.folder.read_state()
        settings = described_settings(self.stage)
        changes = changed_settings(self.state.settings, settings)
        if changes:
            _log.warning(
                "%s: settings changed since the last run (%s); what was made with others is redone",
                self.title,
                "; ".join(changes),
            )
        if self.state.settings is None or changes:
            journal.append(settings_line(settings, self.generation))
        _log.debug(
            "%s: part %s, %d workers, settings %s",
            self.title,
            self.part.label,
            engine.workers,
            settings,
        )

    def _work(
        self, units: Iterable[Unit], engine: Engine, journal: Journal, shown: Display
    ) -> None:
        recorder = Recorder(
            self.stage.work,
            self.stage.outputs,
            self.workspace.root,
            python_types(self.columns),
            self.generation,
        )
        outcomes = engine.submit(recorder, self._tasks(units, journal))
        with contextlib.closing(outcomes):
            for outcome in outcomes:
                if outcome.failure is not None:
                    self._fail(outcome.unit, outcome.failure, journal)
                elif outcome.value is not None:
                    journal.append(outcome.value)
                    self.done += 1
                    _log.debug("done in %.2f s: %s", outcome.seconds, outcome.unit.unit.id)
                shown.update(
                    finished=self.done + self.failed - self.known,
                    failed=self.failed,
                    expected=self._expected(),
                )

    def _tasks(self, units: Iterable[Unit], journal: Journal) -> Iterator[Task]:
        """Give what is to be done, and see to it that no older claim about it survives."""
        for task, is_stale in self._undone(units):
            if not self.has_begun:
                self.has_begun = True
                self.folder.remove_tables()
            if is_stale:
                # On the disk before the unit's files change: a power cut must not bring it back.
                journal.append(begun_line(task, self.generation))
                journal.sync()
            yield task

    def _undone(self, units: Iterable[Unit]) -> Iterator[tuple[Task, bool]]:
        afresh = self.options.delete_existing
        for position, unit in enumerate(units):
            key = self.keys(unit)
            if self.state.latest.get(unit.id) == key:
                key = self.state.latest[unit.id]  # the same text, held once
            if unit.id in self.seen:
                raise DataError(f"{self.title}: two rows of the input are called {unit.id!r}")
            self.seen[unit.id] = key
            if not self.part.holds(position):
                continue
            if not afresh and self.state.is_done(unit.id, key):
                self.resumed += 1
                continue
            failure = self.state.failure(unit.id, key)
            if failure is not None and not afresh and not self.options.retry_failed:
                if self.options.strict:
                    raise self._strict(unit, Failure(*failure[:2]))
                self.known += 1
                self.failed += 1
                continue
            yield Task(unit, key), self.state.latest.get(unit.id, key) != key
        if not self.seen:
            raise DataError(f"{self.title}: there is nothing to do, the input has no rows")
        if self.part.start >= len(self.seen):
            raise OptionError(
                f"start_idx is {self.part.start}, and there are {len(self.seen)} rows"
            )

    def _fail(self, task: Task, failure: Failure, journal: Journal) -> None:
        journal.append(failure_line(task, failure, self.generation))
        self.failed += 1
        _log.warning(
            "%s: %s failed (%s): %s", self.title, task.unit.id, failure.kind, failure.reason
        )
        if self.options.strict:
            raise self._strict(task.unit, failure)

    def _strict(self, unit: Unit, failure: Failure) -> DataError:
        return DataError(
            f"{self.title}: {unit.shown_path} failed ({failure.kind}): {failure.reason}"
        )

    def _expected(self) -> int | None:
        if self.total is None:
            return None
        part, end = self.part, self.total
        if part.end is not None:
            end = min(end, part.end)
        mine = len(range(part.start + part.index - 1, end, part.count))
        return mine - self.resumed - self.known

    def _stopped(self, error: BaseException) -> None:
        _log.warning(
            "%s stopped after %d unit(s) done, %d failed; run the same command to go on",
            self.title,
            self.done,
            self.failed,
        )
        if isinstance(error, DataError):
            rows = self._failures(self.folder.read_state())
            update_failures(
                self.workspace.failures, self.stage.name, rows, keep_other_than=self.seen.keys()
            )

    def _finish(self) -> StageReport:
        # What others did meanwhile counts, too. Nothing new anywhere: what was read still holds.
        is_current = self.folder.signature() == self.snapshot
        state = self.state if is_current else self.folder.read_state()
        failures = self._failures(state)
        update_failures(self.workspace.failures, self.stage.name, failures)
        finished = sum(state.is_done(unit, key) for unit, key in self.seen.items())
        missing = len(self.seen) - finished - len(failures)
        if missing == 0 and finished == 0:
            self.folder.remove_tables()
            raise NothingLeftError(
                f"{self.title}: all {len(failures)} unit(s) failed, the first one "
                f"({failures[0]['kind']}): {failures[0]['reason']}. See {self.workspace.failures}."
            )
        table, rows = None, 0
        if missing == 0:
            table = self.stage.files.table(self.options.format)
            plan = plan_table(state, self.seen)
            # A million units take as much memory as their rows do: make room.
            del state, self.state
            self.seen.clear()
            rows = write_stage_table(self.stage, self.folder.journals, plan, table)
            self.folder.remove_tables(but=table)
        report = StageReport(
            stage=self.stage.name,
            table=table,
            done=self.done,
            resumed=self.resumed,
            failed=self.failed,
            rows=rows,
            seconds=time.monotonic() - self.start,
            missing=missing,
            known_failures=self.known,
            failures=tuple(failures),
        )
        _log.debug("%s", report.summary(self.workspace.failures))
        return report

    def _failures(self, state: State) -> list[dict[str, str]]:
        rows = []
        for unit, key in self.seen.items():
            known = state.failure(unit, key)
            if known is not None:
                kind, reason, path = known
                names = {"stage": self.stage.name, "unit": unit, "path": path}
                rows.append({**names, "kind": kind, "reason": reason})
        return rows


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Turn SIGTERM into an exit that cleans up, where nobody else has plans for it."""

    def terminate(number: int, frame: object) -> None:
        raise SystemExit(EXIT_TERMINATED)

    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
