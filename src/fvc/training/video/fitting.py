"""Fitting one net: epochs, inner scores, the best weights, and going on where a run was ended.

Everything random in an update depends on the seed, the epoch and the update's number alone, and
what is on the disk is whole: so a fit that was ended at any moment and is taken up gives the result
of one that was not.
"""

import contextlib
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray

from fvc.evaluation import compute_classification_metrics
from fvc.models.video_spec import VideoModelSettings
from fvc.tables import atomic_write
from fvc.training.video.loading import FrameBatches, UpdatePlan, update_loader
from fvc.training.video.steps import MicroBatch, backward, score

logger = logging.getLogger("fvc.training")

SAVE_SECONDS = 300.0
"""A fit is saved at the end of each epoch, and after so many seconds within one."""

LAST, BEST = "last.pt", "best.pt"


@dataclass
class Progress:
    """How far a fit is.

    Attributes
    ----------
    epoch, done, total
        The epoch at hand, counted from 0; updates of it that are done; the sum of their losses.
    history
        One row an epoch: ``epoch`` (from 1), ``train_loss``, ``val_loss``, ``val_roc_auc`` and
        ``rate``.
    best_epoch
        The epoch, from 1, whose weights are the best; 0 before any.
    best
        Its inner ROC AUC and negative loss: more is better, in this order.
    stopped
        Whether the fit is over.
    micro_batch
        Clips a step.
    """

    epoch: int = 0
    done: int = 0
    total: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    best: list[float] = field(default_factory=list)
    stopped: bool = False
    micro_batch: int = 0


@dataclass(frozen=True)
class FitPlan:
    """What is fitted to what.

    Attributes
    ----------
    batches
        Where frames, labels and weights are read from.
    train
        Rows to fit to.
    inner
        Rows, of groups that are not in `train`, by which the best epoch is known and a fit ended;
        None: `epochs` of them are done and the last weights are taken.
    settings
        Rates, batches, epochs.
    epochs
        Epochs to do where there is no inner part; the rates fall as for ``settings.epochs``.
    seed
        Of the order of clips and of dropout.
    loader_workers
        Processes that read frames ahead.
    name
        For the log.
    """

    batches: FrameBatches
    train: NDArray[np.intp]
    inner: NDArray[np.intp] | None
    settings: VideoModelSettings
    seed: tuple[int, ...]
    epochs: int | None = None
    loader_workers: int = 0
    name: str = ""


def rate_factor(step: int, per_epoch: int, settings: VideoModelSettings) -> float:
    """Share of the peak rates at an update: a linear rise, then half a cosine down to zero.

    References
    ----------
    Loshchilov & Hutter 2017 (cosine); Goyal et al. 2017 (warm-up).
    """
    total = max(1, settings.epochs * per_epoch)
    # Short fits must not end before the rates are up.
    rise = min(settings.warmup_epochs * per_epoch, total // 4)
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, total - rise))))


def fit_net(fabric: Fabric, net: torch.nn.Module, plan: FitPlan, folder: Path) -> None:
    """Fit a net, or take up the fit that a folder holds.

    Parameters
    ----------
    fabric
        Where it runs: device, precision, processes.
    net
        As `fvc.models.build_video_model` makes it.
    plan
        What to fit.
    folder
        For ``last.pt``, the last weights with all that a fit goes on from, and ``best.pt``, the
        weights of the best epoch.

    Raises
    ------
    OptionError
        The memory is too small; the message says what would do.
    ValueError
        The loss is no longer a number.
    """
    run = _Fit(fabric, net, plan, folder)
    with _reproducible(fabric):
        run()


class _Fit:
    def __init__(self, fabric: Fabric, net: Any, plan: FitPlan, folder: Path) -> None:
        self.fabric, self.plan, self.folder = fabric, plan, folder
        settings = plan.settings
        optimizer = torch.optim.AdamW(
            net.parameter_groups(settings), betas=(0.9, 0.999), weight_decay=settings.weight_decay
        )
        self.bare = net
        self.net, self.optimizer = fabric.setup(net, optimizer)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.order = UpdatePlan(
            plan.train,
            max(1, settings.effective_batch_size),
            plan.seed,
            fabric.global_rank,
            fabric.world_size,
        )
        self.loader = update_loader(
            plan.batches,
            self.order,
            workers=plan.loader_workers,
            pin=fabric.device.type == "cuda",
        )
        size = min(settings.batch_size, settings.effective_batch_size)
        self.progress = Progress(micro_batch=size)
        self._resume()
        self.micro = MicroBatch(self.progress.micro_batch, size)

    def __call__(self) -> None:
        epochs = self.plan.settings.epochs
        if self.plan.inner is None:
            epochs = min(epochs, self.plan.epochs or epochs)
        while self.progress.epoch < epochs and not self.progress.stopped:
            self._train()
            self._look()
            self.progress.epoch += 1
            self.progress.done, self.progress.total = 0, 0.0
            self._save()

    def _train(self) -> None:
        progress, plan = self.progress, self.plan
        self.order.begin(progress.epoch, progress.done)
        self.net.train()
        saved = time.monotonic()
        for update in self.loader:
            factor = rate_factor(
                progress.epoch * len(self.order) + progress.done, len(self.order), plan.settings
            )
            for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
                group["lr"] = rate * factor
            self.optimizer.zero_grad(set_to_none=True)
            seed = (*plan.seed, progress.epoch, progress.done, self.fabric.global_rank)
            loss = backward(self.fabric, self.net, update, plan.batches.form, self.micro, seed)
            self.fabric.clip_gradients(
                self.net,
                self.optimizer,
                max_norm=plan.settings.clip_norm,
                error_if_nonfinite=False,
            )
            self.optimizer.step()
            progress.done += 1
            progress.total += loss
            progress.micro_batch = self.micro.size
            if time.monotonic() - saved > SAVE_SECONDS:
                self._save()
                saved = time.monotonic()

    def _look(self) -> None:
        """Score the inner part, and keep the weights if they are the best so far."""
        progress, inner = self.progress, self.plan.inner
        row: dict[str, Any] = {
            "epoch": progress.epoch + 1,
            "train_loss": progress.total / max(1, progress.done),
            "rate": max(group["lr"] for group in self.optimizer.param_groups),
        }
        progress.history.append(row)
        if inner is not None:
            batches = self.plan.batches
            logits = score(
                self.fabric, self.net, batches, inner, self.micro,
                workers=self.plan.loader_workers,
            )  # fmt: skip
            if not np.isfinite(logits).all():
                raise ValueError("a score is no longer a number: try a lower learning rate")
            row |= inner_scores(logits, batches.labels[inner])
            better = [row["val_roc_auc"] or 0.0, -row["val_loss"]]
            if not progress.best or better > progress.best:
                progress.best, progress.best_epoch = better, row["epoch"]
                self._write(BEST, self.bare.state_dict())
            progress.stopped = row["epoch"] - progress.best_epoch >= self.plan.settings.patience
        logger.debug("%s: %s", self.plan.name, row)

    def _save(self) -> None:
        self._write(
            LAST,
            {
                "net": self.bare.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "precision": self.fabric.strategy.precision.state_dict(),
                "progress": asdict(self.progress),
            },
        )

    def _write(self, name: str, content: Any) -> None:
        if self.fabric.is_global_zero:
            with atomic_write(self.folder / name) as temporary:
                torch.save(content, temporary)
        self.fabric.barrier()

    def _resume(self) -> None:
        path = self.folder / LAST
        if not path.is_file():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.bare.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.fabric.strategy.precision.load_state_dict(state["precision"])
        self.progress = Progress(**state["progress"])
        logger.info(
            "%s: goes on in epoch %d, after %d updates of it",
            self.plan.name, self.progress.epoch + 1, self.progress.done,
        )  # fmt: skip


def inner_scores(
    logits: NDArray[np.float64], labels: NDArray[np.float32]
) -> dict[str, float | None]:
    """Give ``val_roc_auc`` and ``val_loss``, the classes weighing equally, of inner sources."""
    y = labels.astype(np.int8)
    losses = np.logaddexp(0.0, np.where(y == 1, -logits, logits))
    means = [losses[y == label].mean() for label in (0, 1) if (y == label).any()]
    auc = compute_classification_metrics(y, probabilities(logits))["roc_auc"]
    return {"val_roc_auc": auc, "val_loss": float(np.mean(means))}


def probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the sigmoid of logits."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float64)


@contextlib.contextmanager
def _reproducible(fabric: Fabric) -> Iterator[None]:
    """Let nothing random leak out of or into a fit, and take the algorithms that repeat."""
    cuda = fabric.device.type == "cuda"
    devices = [fabric.device.index or 0] if cuda else []
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    with torch.random.fork_rng(devices=devices):
        if cuda:
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.backends.cudnn.benchmark = False
        try:
            yield
        finally:
            if cuda:
                torch.use_deterministic_algorithms(before[0])
                torch.backends.cudnn.benchmark = before[1]
