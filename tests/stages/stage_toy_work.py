"""The work of the toy stage. Light to import, since every worker does."""

import ctypes
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fvc.errors import VideoError
from fvc.stages import Unit


@dataclass(frozen=True)
class ToyWork:
    """Writes `rows` files a unit; what a unit is to suffer stands in its row's ``do``."""

    root: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        with (self.root / "calls.txt").open("a") as calls:
            calls.write(f"{unit.id}\n")
        time.sleep(unit.row.get("seconds", 0.0))
        rows = []
        for part in range(unit.row.get("rows", 2)):
            path = f"data/augmented_videos/{unit.id}_{part}.bin"
            text = f"{unit.id} {part} {unit.fingerprint} {json.dumps(self.settings)}"
            temporary = (self.root / path).with_name(f".part-{unit.id[:9]}{os.getpid()}")
            temporary.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text)
            temporary.rename(self.root / path)
            rows.append(
                {
                    "clip": f"{unit.id}_{part}",
                    "source": unit.id,
                    "video_path": path,
                    "label": part % 2,
                    "flag": part == 0,
                    "number": None if part else len(text) / 7,
                    "extra": 0.1,
                }
            )
        self.suffer(unit.row.get("do"), unit, rows)
        return rows

    def suffer(self, what: str | None, unit: Unit, rows: list[dict[str, Any]]) -> None:
        match what:
            case "segv":
                (self.root / "data/augmented_videos/.part-half.mp4").touch()
                ctypes.string_at(0)
            case "fail":
                raise VideoError(unit.id, "no_frames", 'has "no frames", none\nat all: é')
            case "surrogate":
                raise ValueError("file \udcff.mp4")
            case "nan":
                rows[0]["number"] = float("nan")
            case "unknown column":
                rows[0]["surprise"] = 1
            case "wrong type":
                rows[0]["label"] = "1"
            case "no row":
                rows.clear()
            case "no file":
                (self.root / rows[0]["video_path"]).unlink()
            case "full disk":
                with open("/dev/full", "wb") as full:
                    full.write(b"x")
            case "fail until mended" if not (self.root / "mended").exists():
                raise ValueError("not mended")


def toy_outputs(row: dict[str, Any]) -> list[str]:
    return [row["video_path"]]
