import mmap
import os
from pathlib import Path

import pytest

from fvc.engines import default_memory_limit_mib, default_workers, resources


def test_slurm_and_affinity_bound_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(resources, "available_memory_mib", lambda: 1 << 20)
    assert default_workers() == 8
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert default_workers() == 3
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "16")
    assert default_workers() == 8
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "many")
    assert default_workers() == 8


@pytest.mark.parametrize(("memory", "workers"), [(100, 1), (1024, 2), (2000, 3)])
def test_short_memory_bounds_the_workers(
    monkeypatch: pytest.MonkeyPatch, memory: int, workers: int
) -> None:
    monkeypatch.setattr(resources, "available_cores", lambda: 8)
    monkeypatch.setattr(resources, "available_memory_mib", lambda: memory)
    assert default_workers() == workers


@pytest.mark.parametrize(("memory", "limit"), [(64_000, 2048), (4_000, 800), (1_000, 512)])
def test_a_small_machine_has_small_limits(
    monkeypatch: pytest.MonkeyPatch, memory: int, limit: int
) -> None:
    monkeypatch.setattr(resources, "available_memory_mib", lambda: memory)
    assert default_memory_limit_mib(4) == limit


def test_a_container_bounds_the_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(resources, "_CGROUP_LIMITS", (limit, tmp_path / "absent"))
    limit.write_text("max\n")
    whole = resources.available_memory_mib()
    limit.write_text(f"{256 << 20}\n")
    assert resources.available_memory_mib() == 256 < whole


def test_slurm_bounds_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "available_cores", lambda: 3)
    monkeypatch.delenv("SLURM_MEM_PER_NODE", raising=False)
    monkeypatch.setenv("SLURM_MEM_PER_CPU", "100")
    assert resources.available_memory_mib() == 300
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "700")
    assert resources.available_memory_mib() == 700
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "0")
    monkeypatch.delenv("SLURM_MEM_PER_CPU")
    assert resources.available_memory_mib() > 700


def test_resident_memory_is_measured() -> None:
    before = resources.resident_mib(os.getpid())
    # A map of its own: what a list or bytes need may come from memory that was held already.
    with mmap.mmap(-1, 64 << 20) as kept:
        kept.write(b"\1" * (64 << 20))
        held = resources.resident_mib(os.getpid()) - before
    assert 32 < held < 160
    assert resources.resident_mib(2**22 + 1) == 0.0
