"""How worker processes are made, and what is said of one that ended."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.context import BaseContext

from fvc.engines.worker import ENVIRONMENT

# Loaded once by the server that workers are forked from: none of these starts a thread. Polars
# does, and a fork of a process with threads can hang.
_PRELOAD = ["fvc.engines.worker", "numpy", "cv2", "av"]


def process_context() -> BaseContext:
    """Give the way to make processes, its server running with one thread a library."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver, resource_tracker

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    # The server would start it, and it unblocks the signal.
    resource_tracker.ensure_running()
    with _environment(ENVIRONMENT), _interrupts_blocked():
        forkserver.ensure_running()
    return context


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Keep SIGINT from a process that is started meanwhile, and from this one until the end.

    Ctrl-C goes to all processes of a terminal. The server ignores it once it has come up, as
    workers do; before, it would die with a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def cause_of_death(code: int | None) -> str:
    """Say how a process ended, from its exit code; None where it has not."""
    if code is None:
        return "its process did not end"
    if code >= 0:
        return f"its process ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ", perhaps by the kernel for want of memory" if -code == signal.SIGKILL else ""
    return f"its process was ended by {name}{hint}"
