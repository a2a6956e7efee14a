"""Where nets are fitted: this machine's GPUs or processors, through Lightning Fabric."""

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from lightning.fabric import Fabric

from fvc.errors import OptionError
from fvc.training.video.options import VideoOptions


def make_fabric(options: VideoOptions, *, devices: int = 1) -> Fabric:
    """Choose device and precision.

    On a GPU nets run in mixed precision: bfloat16 where it is native, else float16 with scaled
    losses; on a processor in float32.

    Parameters
    ----------
    options
        What the user said.
    devices
        How many devices fit one net together; above one, each is a process (DDP).

    Raises
    ------
    OptionError
        There is no such GPU.
    """
    number = 0
    cuda = options.device != "cpu" and torch.cuda.is_available()
    if options.device.startswith("cuda"):
        _, _, text = options.device.partition(":")
        number = int(text) if text.isdigit() else 0
        if not cuda or number >= torch.cuda.device_count():
            raise OptionError(
                f"there is no {options.device} here ({torch.cuda.device_count()} GPUs): choose "
                "--device auto"
            )
    if cuda and devices > torch.cuda.device_count():
        raise OptionError(f"{devices} devices are asked for and there are "
                          f"{torch.cuda.device_count()} GPUs")  # fmt: skip
    chosen: Any = devices
    precision: Any = "32-true"
    if cuda:
        precision = "bf16-mixed" if torch.cuda.is_bf16_supported(False) else "16-mixed"
        if devices == 1:
            chosen = [number]
    strategy = "auto" if devices == 1 else "ddp_spawn"
    # Inside a SLURM task Lightning would take its number of tasks for that of the devices.
    plugins = None if devices > 1 else _alone()
    with quiet():
        return Fabric(
            accelerator="cuda" if cuda else "cpu",
            devices=chosen,
            precision=precision,
            strategy=strategy,
            plugins=plugins,
        )


def _alone() -> Any:
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment

    return LightningEnvironment()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's advice to its own users, and Python's on forks, out of the log."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        warnings.filterwarnings("ignore", module="torch")
        yield


@contextlib.contextmanager
def threads(number: int) -> Iterator[None]:
    """Let torch use so many threads while the block runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(number, os.cpu_count() or 1)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def loader_workers(options: VideoOptions) -> int:
    """Give the number of processes that read frames ahead of a net."""
    if options.loader_workers is not None:
        return options.loader_workers
    if options.device == "cpu" or not torch.cuda.is_available():
        return 0
    return min(4, os.cpu_count() or 1)
