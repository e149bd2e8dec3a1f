"""Runs over a small stack in memory: what the tests of runs share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import useq
from scan_fakes import blobs

from rmz_acquire.experiments import run
from rmz_acquire.simulation.recorded import RecordedMicroscope

if TYPE_CHECKING:
    from pathlib import Path

    from rmz_acquire.recording import Summary
    from rmz_acquire.scanning import Plane

Z_UM = np.linspace(3, 15, 25)
STACK = blobs(Z_UM, shape=(40, 44))
OPTICS = {"na": 0.75, "immersion_index": 1.0, "wavelength_um": 0.52}
PIXEL_UM = 0.325


class FailingStack(RecordedMicroscope):
    """A stack that cannot be read from some plane on, in the order taken."""

    def __init__(self, fail_at: int, stack: Any = STACK, z_um: Any = Z_UM) -> None:
        super().__init__(stack, z_um)
        self.captures: list[float] = []
        self._fail_at = fail_at

    def capture(self, z_um: float) -> Plane:
        if len(self.captures) == self._fail_at:
            raise RuntimeError("the camera is gone")
        self.captures.append(z_um)
        return super().capture(z_um)


def a_stack(stack: Any = STACK, z_um: Any = Z_UM) -> RecordedMicroscope:
    return RecordedMicroscope(stack, z_um, pixel_size_um=PIXEL_UM)


def a_sequence(**block: Any) -> useq.MDASequence:
    """One volume over a grid, with a loose epsilon unless told otherwise."""
    settings = {"version": 1, "epsilon": 0.12, **block}
    return useq.MDASequence(
        z_plan={"absolute": [float(z) for z in Z_UM]},
        metadata={"rmz_acquire": settings},
    )


def a_run(
    out: Path, microscope: RecordedMicroscope | None = None, **options: Any
) -> Summary:
    """Run it; what `run` does not take goes into the block."""
    ours = ("overwrite", "truth", "on_decision", "watcher", "control")
    own = {key: options.pop(key) for key in ours if key in options}
    estimator = options.pop("estimator", "linear")
    return run(
        microscope or a_stack(),
        a_sequence(**options),
        out,
        estimator=estimator,
        **own,
    ).summary


def saved(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "summary.json").read_text("utf-8"))
    return told


def lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "decisions.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
