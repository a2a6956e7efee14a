"""What a user may say about the fitting of nets."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from fvc.errors import OptionError
from fvc.models.registry import ModelSpec
from fvc.models.video_spec import VideoInput, VideoModelSettings


@dataclass(frozen=True)
class VideoOptions:
    """What a user may say about the fitting of nets.

    Parameters
    ----------
    weights
        ``"pretrained"``, ``"none"`` (random) or the path of a file.
    tiny
        Build each net in its smallest form: for tests of the whole way, not for results.
    max_epochs
        Epochs at most; the entry's own number where None.
    batch_size
        Clips a step; the entry's own where None. The clips an update stay as they are.
    device
        ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
    devices
        GPUs, or processes on a CPU, that fit one net together.
    loader_workers
        Processes that prepare batches; None: none on a CPU, up to four beside a GPU.
    threads
        Threads of a fit on a CPU.
    """

    weights: str = "pretrained"
    tiny: bool = False
    max_epochs: int | None = None
    batch_size: int | None = None
    device: str = "auto"
    devices: int = 1
    loader_workers: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if self.max_epochs is not None and self.max_epochs < 1:
            raise OptionError(f"max_epochs is 1 or more, not {self.max_epochs}")
        if self.batch_size is not None and self.batch_size < 1:
            raise OptionError(f"batch_size is 1 or more, not {self.batch_size}")
        if self.device not in ("auto", "cpu") and not self.device.startswith("cuda"):
            raise OptionError(f"device is auto, cpu, cuda or cuda:N, not {self.device!r}")
        if self.devices < 1:
            raise OptionError(f"devices is 1 or more, not {self.devices}")

    @classmethod
    def asked(
        cls,
        weights: str,
        tiny: bool,
        max_epochs: int | None,
        batch_size: int | None,
        device: str,
        devices: int,
        threads: int,
    ) -> "VideoOptions":
        """Take what a command was given; tiny nets have no pretrained weights."""
        return cls(
            weights="none" if tiny and weights == "pretrained" else weights,
            tiny=tiny,
            max_epochs=max_epochs,
            batch_size=batch_size,
            device=device,
            devices=devices,
            threads=threads,
        )

    @property
    def weights_source(self) -> Any:
        """The weights as `fvc.models.build_video_model` takes them."""
        return self.weights if self.weights in ("pretrained", "none") else Path(self.weights)

    def form(self, spec: ModelSpec) -> VideoInput:
        """Say what a net of a model is given: less, for speed, where it is tiny.

        Raises
        ------
        OptionError
            The model does not look at frames.
        """
        found = spec.tiny_video if self.tiny else spec.video
        if found is None:
            raise OptionError(f"{spec.name} does not look at frames")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give what a result depends on in plain JSON types."""
        found = asdict(self)
        for name in ("device", "loader_workers", "threads"):
            del found[name]
        return found


def fit_settings(
    entry: VideoModelSettings, options: VideoOptions, candidate: dict[str, Any]
) -> VideoModelSettings:
    """Give the settings of a fit: the entry's, those of the grid, and what the user said."""
    settings = replace(entry, **candidate)
    if options.max_epochs is not None:
        settings = replace(settings, epochs=options.max_epochs)
    if options.batch_size is not None:
        settings = replace(settings, batch_size=options.batch_size)
    return settings
