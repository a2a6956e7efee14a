"""How worker processes are made."""

import subprocess
import sys

INTERRUPTED = """
import os, signal
from multiprocessing import forkserver
from fvc.engines import LocalEngine
from fvc.engines.processes import process_context

if __name__ == "__main__":
    process_context()
    server = forkserver._forkserver._forkserver_pid
    os.kill(server, signal.SIGINT)  # it has hardly begun to import what it needs
    print([outcome.value for outcome in LocalEngine(workers=1).submit(abs, [-3])])
    print(forkserver._forkserver._forkserver_pid == server)
    os.kill(os.getpid(), signal.SIGINT)
"""


def test_an_interrupt_meets_the_program_and_not_the_server_of_its_workers() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[3]\nTrue\n", done.stderr
    assert "forkserver" not in done.stderr
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
