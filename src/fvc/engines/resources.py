"""How many workers this machine feeds, and how much memory each may hold."""

import os
from pathlib import Path

import psutil

MEMORY_FOR_A_WORKER_MIB = 512
"""What a worker is counted with when their number is chosen; stages are made to need less."""

_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def available_cores() -> int:
    """Count the cores that this process may use: its affinity, and what SLURM gave to the task."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    granted = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return min(cores, int(granted)) if granted.isdecimal() and int(granted) > 0 else cores


def available_memory_mib() -> int:
    """Measure the memory of this machine, or of container or SLURM's task if less, in MiB."""
    memory = int(psutil.virtual_memory().total)
    for path in _CGROUP_LIMITS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdecimal():
            memory = min(memory, int(text))
    granted = _granted_memory_mib()
    return min(memory >> 20, granted) if granted else memory >> 20


def _granted_memory_mib() -> int:
    """Give what SLURM granted to the task; 0 where it set no limit, or is not there."""
    for name, cores in (("SLURM_MEM_PER_NODE", 1), ("SLURM_MEM_PER_CPU", available_cores())):
        text = os.environ.get(name, "")
        if text.isdecimal():
            return int(text) * cores
    return 0


def default_workers() -> int:
    """Choose a number of workers: one a core, fewer where memory is short, at least one."""
    return max(1, min(available_cores(), available_memory_mib() // MEMORY_FOR_A_WORKER_MIB))


def default_memory_limit_mib(workers: int) -> int:
    """Choose the resident memory at which a worker is stopped: 2 GiB, less on a small machine."""
    return max(512, min(2048, available_memory_mib() * 8 // (10 * workers)))


def resident_mib(pid: int) -> float:
    """Measure the resident memory of a process in MiB; 0 for one that is gone."""
    try:
        if _HAS_STATM:
            with open(f"/proc/{pid}/statm", "rb") as statm:
                return int(statm.read().split()[1]) * _PAGE / 2**20
        return float(psutil.Process(pid).memory_info().rss) / 2**20
    except (OSError, IndexError, psutil.Error):
        return 0.0


_HAS_STATM = Path("/proc/self/statm").exists()
_PAGE = os.sysconf("SC_PAGE_SIZE")
