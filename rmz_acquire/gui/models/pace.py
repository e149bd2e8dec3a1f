"""How long a plane takes to become a volume here: what was measured, and remembered."""

from __future__ import annotations

import json
import logging
import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmz_acquire.atomic_io import replace_json

if TYPE_CHECKING:
    from pathlib import Path

    from rmz_acquire.optics import Optics

__all__ = ["PaceBook", "PaceTask"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PaceTask:
    """What decides how long a plane takes.

    Parameters
    ----------
    estimator : str
        Which.
    model : str or None
        Of a network.
    shape : (int, int)
        Height and width of the pictures, pixels.
    z_um : (float, float, float)
        Bottom, top and step of the grid, µm, from 0.
    optics : Optics or None
        Where the estimator needs them.
    """

    estimator: str
    model: str | None
    shape: tuple[int, int]
    z_um: tuple[float, float, float]
    optics: Optics | None = None

    @property
    def planes(self) -> int:
        """Of the grid."""
        return 1 + int((self.z_um[1] - self.z_um[0]) / self.z_um[2] + 1e-6)

    @property
    def kind(self) -> str:
        """What stays the same where only the size changes."""
        return f"{self.estimator} {self.model or '-'}"

    @property
    def size(self) -> int:
        """Voxels."""
        return self.planes * self.shape[0] * self.shape[1]

    @property
    def key(self) -> str:
        """All of it, in one word."""
        deep = self.z_um[1] - self.z_um[0]
        if self.optics is not None:
            deep *= self.optics.blur_radius_px_per_um
        height, width = self.shape
        return f"{self.kind} {self.planes}x{height}x{width} {deep:.2g}"

    def argument(self) -> str:
        """For the process that measures it."""
        told: dict[str, Any] = {
            "estimator": self.estimator,
            "z_um": self.z_um,
            "shape": self.shape,
        }
        if self.optics is not None:
            told["optics"] = self.optics.model_dump()
        if self.model is not None:
            told["model"] = self.model
        return json.dumps(told)


class PaceBook:
    """Seconds a plane by task, kept in a file for the next time.

    Parameters
    ----------
    file : Path, optional
        A JSON object; need not exist. Without one nothing is kept.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._machine = f"{platform.node()} {platform.machine()} {os.cpu_count()}"
        #: By key: seconds, voxels, kind.
        self._known: dict[str, dict[str, Any]] = {}
        self._guesses: dict[str, float] = {}
        self._read()

    def seconds(self, task: PaceTask) -> float | None:
        """Seconds a plane; from another size where this one was not measured."""
        own = self._known.get(task.key)
        if own is not None:
            return float(own["seconds"])
        if task.key in self._guesses:
            return self._guesses[task.key]
        alike = [one for one in self._known.values() if one["kind"] == task.kind]
        if not alike:
            return None
        near = min(alike, key=lambda one: abs(one["size"] / task.size - 1))
        return float(near["seconds"] * task.size / near["size"])

    def has(self, task: PaceTask) -> bool:
        """Whether there is nothing left to measure."""
        return task.key in self._known

    def guess(self, task: PaceTask, seconds: float) -> None:
        """Keep what a measurement under way believes so far."""
        self._guesses[task.key] = seconds

    def learn(self, task: PaceTask, seconds: float) -> None:
        """Keep what was measured, in a benchmark or in a scan."""
        self._known[task.key] = {
            "seconds": round(seconds, 4),
            "size": task.size,
            "kind": task.kind,
        }
        if self._file is None:
            return
        told = {"machine": self._machine, "planes": self._known}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            replace_json(self._file, told)
        except OSError as error:
            logger.warning("times are not remembered: %s", error)

    def _read(self) -> None:
        if self._file is None or not self._file.is_file():
            return
        try:
            told = json.loads(self._file.read_text("utf-8"))
            if told["machine"] == self._machine:
                self._known = {
                    str(key): {
                        "seconds": float(one["seconds"]),
                        "size": int(one["size"]),
                        "kind": str(one["kind"]),
                    }
                    for key, one in told["planes"].items()
                }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            logger.warning("%s cannot be read: times are measured anew", self._file)
