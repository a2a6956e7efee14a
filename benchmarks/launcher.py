"""Run a command and write down what it used: ``launcher.py FILE COMMAND…``.

A process apart, since a child's peak memory begins with that of the process that started it, and a
benchmark's own process is not small. As the kernel's "subreaper" it inherits what the command
leaves behind, such as a server of worker processes, and with it the account of all its children.
"""

import ctypes
import json
import os
import sys

_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    target, command = sys.argv[1], sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    process = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(process, 0)
    uses = [used]
    while True:
        try:
            uses.append(os.wait4(-1, 0)[2])
        except ChildProcessError:
            break
    account = {
        "code": os.waitstatus_to_exitcode(status),
        "cpu": sum(use.ru_utime + use.ru_stime for use in uses),
        "peak_mib": max(use.ru_maxrss for use in uses) / 1024,
    }
    with open(target, "w") as file:
        json.dump(account, file)


if __name__ == "__main__":
    main()
