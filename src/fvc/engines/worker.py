"""The inside of a worker process: takes a unit, gives its value or its failure, one at a time."""

import contextlib
import errno
import fcntl
import os
import pickle
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import fvc.errors
from fvc.engines.base import Failure
from fvc.engines.heartbeat import Counter, connect, heartbeat
from fvc.errors import (
    DataError,
    FVCError,
    MissingInputError,
    NotAvailableError,
    OptionError,
    OutputError,
    VideoError,
)

ENVIRONMENT = {
    # One thread a worker gives the most throughput, and OpenMP that spins takes the cores from
    # the other workers.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "OMP_WAIT_POLICY": "passive",
}

READY = b"ready"
_OUTPUT_GONE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_CV2_OUT_OF_MEMORY = -4


@dataclass(frozen=True)
class Limits:
    """What a worker enforces on itself, in MiB; what the watching process enforces is elsewhere."""

    address_space_mib: int | None
    output_mib: int | None


@dataclass(frozen=True)
class Fatal:
    """An error that ends the run: the name of its class in `fvc.errors`, and its message."""

    name: str
    message: str


def revive(fatal: Fatal) -> FVCError:
    """Make the error again of which a process told the name and the message."""
    kind = getattr(fvc.errors, fatal.name)
    # Not through the class's own signature: the message is already whole.
    error: FVCError = kind.__new__(kind)
    error.args = (fatal.message,)
    return error


def run_worker(
    connection: Connection,
    lifeline: Connection,
    counters: Counter,
    index: int,
    limits: Limits,
    pickled_function: bytes,
) -> None:
    """Serve units from `connection` until it closes.

    Parameters
    ----------
    connection
        Pickled units come in; pickled values, `Failure` or `Fatal` go out.
    lifeline
        Closes when the process that watches is gone, however it went.
    counters, index
        Where this worker's heartbeats are counted.
    limits
        Limits of the operating system to set.
    pickled_function
        What to apply to each unit.
    """
    _prepare(lifeline, limits)
    connect(counters, index)
    function: Callable[[Any], Any] | None = None
    broken: Failure | Fatal | None = None
    try:
        function = pickle.loads(pickled_function)
    except BaseException as error:  # the border described at `_answer`
        broken = describe(error)
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(1)
    with contextlib.suppress(EOFError, ConnectionError):
        connection.send_bytes(READY)
        while True:
            task = connection.recv_bytes()
            heartbeat()  # from here on a death is this unit's
            connection.send_bytes(pickle.dumps(broken) if broken else _answer(function, task))


def _answer(function: Callable[[Any], Any] | None, task: bytes) -> bytes:
    """Work on one unit.

    This is the one border where an unknown error becomes a record. It is BaseException that is
    caught, since libraries written in Rust panic outside Exception and some call ``sys.exit``.
    """
    assert function is not None
    try:
        return pickle.dumps((function(pickle.loads(task)),))
    except BaseException as error:
        return pickle.dumps(describe(error))


def describe(error: BaseException) -> Failure | Fatal:
    """Turn an exception into a failure of its unit, or into the end of the run."""
    numbers = [
        getattr(link, "errno", None) for link in _causes(error) if not _about_input(error, link)
    ]
    # The limit of one unit, though what meets it is a writer that blames the disk.
    if errno.EFBIG in numbers:
        return Failure("output", f"the output became larger than the limit ({_text(error)})")
    if isinstance(error, OutputError | OptionError | NotAvailableError):
        return Fatal(type(error).__name__, _text(error))
    for number in numbers:
        if number in _OUTPUT_GONE:
            return Fatal("OutputError", f"cannot write: {os.strerror(number)} ({_text(error)})")
    if isinstance(error, VideoError):
        return Failure(error.kind, error.reason)
    if isinstance(error, DataError):
        return Failure("data", _text(error))
    if isinstance(error, MemoryError) or (
        type(error).__module__.startswith("cv2")
        and getattr(error, "code", None) == _CV2_OUT_OF_MEMORY
    ):
        return Failure("memory", f"memory could not be had: {_text(error)}")
    if isinstance(error, MissingInputError):
        return Failure("missing", _text(error))
    if isinstance(error, FileNotFoundError):
        return Failure("missing", f"no such file: {error.filename}")
    if isinstance(error, FVCError):
        return Failure("error", _text(error))
    return Failure("error", f"{type(error).__qualname__}: {_text(error)}")


def _about_input(error: BaseException, link: BaseException) -> bool:
    """Whether a link of an error's causes is FFmpeg's complaint about a video that it reads.

    Decoders borrow the system's error numbers: "no space left" may be a buffer of theirs. What
    fails in writing a video comes as an `OutputError`.
    """
    return isinstance(error, VideoError) and type(link).__module__.startswith("av.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(10):
        if link is None:
            return
        yield link
        link = link.__cause__ or link.__context__


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # a __str__ that fails must not take the record with it
        text = "an error that cannot be printed"
    # File names of no encoding hold surrogates, which neither a table nor a terminal can take.
    return text[:2000].encode("utf-8", "backslashreplace").decode()


def _prepare(lifeline: Connection, limits: Limits) -> None:
    # Ctrl-C and a batch system's SIGTERM reach the whole process group; the parent decides.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    _die_with(lifeline)
    os.environ.update(ENVIRONMENT)
    _limit(resource.RLIMIT_CORE, 0)
    if limits.address_space_mib is not None:
        _limit(resource.RLIMIT_AS, limits.address_space_mib << 20)
    if limits.output_mib is not None:
        _limit(resource.RLIMIT_FSIZE, limits.output_mib << 20)


def _die_with(lifeline: Connection) -> None:
    """Have the kernel end this process when the other end of `lifeline` closes.

    The signal's default action needs no Python: it works while a library holds the interpreter
    lock. The parent-death signal would not do, as our parent is the server that forked us.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    descriptor = lifeline.fileno()
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
    if lifeline.poll(0):  # closed before we listened
        os._exit(1)


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(which, (value, hard))
