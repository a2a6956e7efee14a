"""What the engine's tests have done in worker processes; light to import, and a script itself."""

import ctypes
import errno
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from fvc.engines import LocalEngine, heartbeat
from fvc.errors import OutputError, VideoError


class Stubborn(Exception):  # noqa: N818
    """Pickles, and does not unpickle."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"stubborn {one} {two}")


class Unloadable:
    def __reduce__(self) -> Any:
        return _explode, ()


def _explode() -> None:
    raise RuntimeError("does not load")


def square(number: int) -> int:
    return number * number


def hazard(unit: Any) -> Any:
    match unit:
        case "segv":
            ctypes.string_at(0)
        case "exit":
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            time.sleep(1000)
        case "hang with the interpreter lock":
            ctypes.PyDLL(None).sleep(1000)
        case "eat":
            kept = []
            while True:
                kept.append(b"\1" * 2**23)
                heartbeat()
        case "eat at once":
            return bytearray(2**45)
        case "stubborn":
            raise Stubborn(1, 2)
        case "unpicklable":
            return lambda: None
        case "unloadable":
            return Unloadable()
        case "leave":
            sys.exit("left")
        case "video":
            raise VideoError("a.mp4", "no_frames", "no frame could be decoded")
        case "missing":
            Path("/nowhere/at/all").read_bytes()
        case _:
            return square(unit)
    return None


def long_with_beats(unit: tuple[int, float]) -> int:
    count, pause = unit
    for _ in range(count):
        time.sleep(pause)
        heartbeat()
    return count


def fail_to_write(unit: str) -> str:
    match unit:
        case "full":
            with open("/dev/full", "wb") as file:
                file.write(b"x")
        case "caused":
            try:
                raise OSError(errno.ENOSPC, "No space left on device")
            except OSError as error:
                raise VideoError("a.mp4", "corrupt", "the muxer failed") from error
        case "output error":
            raise OutputError("cannot write a.mp4: the disk is full")
    return unit


def write_too_much(path: str) -> int:
    with open(path, "wb") as file:
        for _ in range(64):
            file.write(b"\0" * 2**18)
    return 1


def surroundings(_: int) -> dict[str, Any]:
    import cv2

    return {
        "pid": os.getpid(),
        "cv2": cv2.getNumThreads(),
        "omp": [os.environ.get(n) for n in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY")],
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        "address": resource.getrlimit(resource.RLIMIT_AS)[0] >> 20,
        "signals": [signal.getsignal(s) is signal.SIG_IGN for s in (signal.SIGINT, signal.SIGTERM)],
    }


def leave_a_trace(unit: tuple[str, str]) -> int:
    """Write the own process id, then hang, with or without the interpreter lock."""
    folder, how = unit
    trace = Path(folder, f"{how}.tmp")
    trace.write_text(str(os.getpid()))
    trace.rename(Path(folder, how))
    if how == "lock":
        ctypes.PyDLL(None).sleep(1000)
    time.sleep(1000)
    return 0


def pid_into(path: str) -> int:
    Path(path).write_text(str(os.getpid()))
    return os.getpid()


def grow(_: int) -> int:
    grow.kept = b"\1" * (250 << 20)  # type: ignore[attr-defined]
    return os.getpid()


if __name__ == "__main__":
    try:
        folder = sys.argv[1]
        for _ in LocalEngine(2).submit(leave_a_trace, [(folder, "lock"), (folder, "sleep")]):
            pass
    except KeyboardInterrupt:
        sys.exit(130)
