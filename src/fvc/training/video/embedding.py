"""Tokens of a frozen backbone: made once a clip, kept, and read by every model and fold."""

import hashlib
import socket
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import dataframely as dy
import numpy as np
import torch
from numpy.typing import NDArray

from fvc.engines import Engine, Failure, Outcome, create_engine
from fvc.errors import MissingInputError, NothingLeftError, OptionError
from fvc.models import ModelSpec, build_backbone
from fvc.models.video_spec import VideoInput
from fvc.stages import RunOptions, Stage, Unit, run_stage
from fvc.tables import atomic_write
from fvc.training.clips import Clips
from fvc.training.video.cache import hushed, read_frames, read_store, when_free
from fvc.training.video.clips import VideoClips
from fvc.training.video.device import make_fabric, quiet, threads
from fvc.training.video.loading import Pictures
from fvc.training.video.options import VideoOptions
from fvc.training.video.picture import fit_pictures, layout
from fvc.training.video.steps import as_clips
from fvc.workspace import StageFiles, Workspace

U = TypeVar("U")
R = TypeVar("R")

_SEED = 0
# Of a backbone in a process of its own: to load it and take one clip, and what it may hold.
_NET_SECONDS = 1800.0
_NET_MIB = 16384


class EmbeddingSchema(dy.Schema):
    """The table of an embedding store: one row a clip."""

    clip = dy.String(primary_key=True, min_length=1)
    embedding_path = dy.String(nullable=False)
    tokens = dy.Int32(nullable=False, min=1)
    size = dy.Int32(nullable=False, min=1)


@dataclass(frozen=True)
class Backbone:
    """A frozen backbone on its device.

    Attributes
    ----------
    net
        As `fvc.models.build_backbone` makes it.
    form
        What it is given.
    digest
        Hash of its weights.
    """

    net: Any
    form: VideoInput
    digest: str

    def tokens(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Give the tokens of a clip's stored frames, shape (tokens, size).

        Raises
        ------
        OptionError
            The clip does not fit into the memory.
        """
        place = layout(frames.shape[1], frames.shape[2], self.form)
        device = next(self.net.parameters()).device
        pictures = Pictures(
            frames=torch.from_numpy(fit_pictures(frames, place))[None],
            boxes=torch.tensor([place.box]),
            flow=None,
            scale=torch.ones(1, 2),
            places=torch.zeros(1, dtype=torch.int64),
        )
        try:
            with torch.no_grad():
                clips, _ = as_clips(pictures.to(device), self.form)
                found: NDArray[np.float32] = self.net(clips)[0].float().cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise OptionError(
                "a clip does not fit into the memory of the device: try --device cpu"
            ) from error
        return found


def open_backbone(name: str, form: VideoInput, options: VideoOptions) -> Backbone:
    """Build a backbone, hash its weights and put it on its device.

    Raises
    ------
    MissingInputError
        Its weights are not to be had; the message says which file to put where.
    """
    net: Any = build_backbone(name, weights=options.weights_source, tiny=options.tiny, seed=_SEED)
    digest = hashlib.sha256(f"tiny: {options.tiny}".encode())
    for key, value in sorted(net.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    with quiet():
        device = make_fabric(options).device
    return Backbone(net.to(device).eval(), form, digest.hexdigest()[:32])


@dataclass(frozen=True)
class EmbedWork:
    """Make the tokens of one clip and write them.

    Parameters
    ----------
    backbone
        What makes them.
    workspace
        The project.
    folder
        Where the files go.
    """

    backbone: Backbone
    workspace: Workspace
    folder: Path

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Write the clip's tokens and return its row."""
        path = self.workspace.absolute(str(unit.row["frames_path"]))
        tokens = self.backbone.tokens(read_frames(path))
        if not np.isfinite(tokens).all():
            raise ValueError("the backbone gave a number that is not finite")
        target = self.folder / f"{unit.id}.npy"
        with atomic_write(target) as temporary, temporary.open("wb") as file:
            np.save(file, tokens, allow_pickle=False)
        return [{
            "clip": unit.id,
            "embedding_path": self.workspace.relative(target),
            "tokens": tokens.shape[0],
            "size": tokens.shape[1],
        }]  # fmt: skip


@dataclass
class FarEmbedWork:
    """Make tokens in another process, which builds the backbone itself, once.

    Weights do not travel: each machine takes them from where this one does, and says so when they
    are others.

    Parameters
    ----------
    name, form, options
        As in `open_backbone`.
    digest
        Hash that the weights must have.
    workspace, folder
        As in `EmbedWork`.
    """

    name: str
    form: VideoInput
    options: VideoOptions
    digest: str
    workspace: Workspace
    folder: Path
    work: EmbedWork | None = None

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Write the clip's tokens and return its row.

        Raises
        ------
        OptionError
            The weights on this machine are not those of the caller.
        """
        if self.work is None:
            try:
                backbone = open_backbone(self.name, self.form, self.options)
            except MissingInputError as error:
                raise OptionError(f"on {socket.gethostname()}: {error}") from error
            if backbone.digest != self.digest:
                raise OptionError(
                    f"{self.name} has other weights on {socket.gethostname()} than on the machine "
                    "that runs fvc"
                )
            self.work = EmbedWork(backbone, self.workspace, self.folder)
        return self.work(unit)


def _files(row: dict[str, Any]) -> tuple[str]:
    return (str(row["embedding_path"]),)


class ThisProcess:
    """An engine that works here, one unit after the other: what it calls holds a device."""

    workers = 1

    def submit(
        self, function: Callable[[U], R], units: Iterable[U]
    ) -> Generator[Outcome[U, R], None, None]:
        """Apply a function to every unit; see `fvc.engines.Engine`."""
        for unit in units:
            begun = time.perf_counter()
            value, failure = None, None
            try:
                value = function(unit)
            except (ValueError, OSError, RuntimeError) as error:
                failure = Failure("error", f"{type(error).__name__}: {error}")
            yield Outcome(unit, value, failure, time.perf_counter() - begun)


def _far_engine(run: RunOptions, workspace: Workspace) -> Engine:
    """Make an engine for work that holds a net and has no heartbeat within a clip."""
    return create_engine(
        run.engine,
        workers=run.workers,
        stall_seconds=_NET_SECONDS,
        memory_limit_mib=_NET_MIB,
        address_space_mib=0,
        scheduler=run.scheduler,
        folder=workspace.root,
    )


def embed_clips(
    spec: ModelSpec,
    workspace: Workspace,
    clips: VideoClips,
    *,
    run: RunOptions | None = None,
    store: Callable[[str], StageFiles] | None = None,
) -> Clips:
    """Make the tokens of clips that are not in the store yet, and read all of them.

    Parameters
    ----------
    spec
        An embedding model.
    workspace
        The project.
    clips
        The clips, with their frames.
    run
        Where the backbone works, if not in this process.
    store
        Gives the files of a store by its name; by default those of the project's scaled clips.

    Returns
    -------
    Clips
        ``X`` holds the tokens of a clip one after the other, shape (n, tokens · size).

    Raises
    ------
    MissingInputError
        The backbone's weights are not to be had.
    NothingLeftError
        No clip could be embedded.
    """
    wanted, form = spec.embedding, clips.options.form(spec)
    assert wanted is not None
    backbone = open_backbone(wanted.backbone, form, clips.options)
    loaded = backbone.net.loaded_weights
    files = (store or workspace.embedding_store)(
        f"{wanted.backbone.replace(':', '-')}-{backbone.digest[:8]}-{form.num_frames}x{form.size}"
    )
    stage = Stage(
        number=5,
        # A name of its own for each store: failures are listed by it.
        name=f"embeddings of {wanted.backbone}" if store is None else f"{files.command} embeddings",
        files=files,
        settings={"weights": backbone.digest, "video": form.to_dict()},
        schema=EmbeddingSchema,
        work=EmbedWork(backbone, workspace, files.folder)
        if run is None
        else FarEmbedWork(
            wanted.backbone, form, clips.options, backbone.digest, workspace, files.folder
        ),
        outputs=_files,
    )
    engine: Engine = ThisProcess() if run is None else _far_engine(run, workspace)
    units = [
        Unit(id=name, row={"frames_path": workspace.relative(path)}, fingerprint=key)
        for name, path, key in zip(
            clips.clip.to_list(), clips.files["frames"], clips.keys["frames"], strict=True
        )
    ]
    with quiet(), threads(clips.options.threads):
        options = hushed(run or RunOptions())
        report = when_free(lambda: run_stage(stage, units, workspace, options, engine=engine))
    table = read_store(report.table, files)
    path_of = dict(zip(table["clip"], table["embedding_path"], strict=True))
    rows = np.flatnonzero([name in path_of for name in clips.clip])
    if not len(rows):
        raise NothingLeftError(f"no clip could be embedded: see {workspace.failures}")
    tokens, size = int(table["tokens"][0]), int(table["size"][0])
    X = np.empty((len(rows), tokens * size), dtype=np.float32)
    for i, row in enumerate(rows):
        stored = np.load(workspace.absolute(path_of[clips.clip[int(row)]]), allow_pickle=False)
        X[i] = stored.reshape(-1)
    notes = {
        "backbone": wanted.backbone,
        "tokens": tokens,
        "token_size": size,
        "head": wanted.head,
        "weights": loaded.to_dict(),
        "weights_hash": backbone.digest,
        "tiny": clips.options.tiny,
        "video": form.to_dict(),
    }
    return Clips(
        X=X,
        feature_names=[f"token{t}_{d}" for t in range(tokens) for d in range(size)],
        source=clips.source[rows],
        original=clips.original[rows],
        clip=clips.clip[rows],
        kind=clips.kind[rows],
        notes={**clips.notes, "embedding": notes},
    )
