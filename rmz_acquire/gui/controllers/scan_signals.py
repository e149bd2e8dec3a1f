"""What a scan says of itself while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import pyqtSignal

from rmz_acquire.experiments.callbacks import Rendered
from rmz_acquire.gui.controllers.controller import Controller
from rmz_acquire.gui.models.stored_runs import StoredVolume
from rmz_acquire.scanning import Decision, Plane

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.gui.models.composite import Composite
    from rmz_acquire.scanning.output_planes import OutputPlanes

__all__ = ["Made", "ScanSignals"]


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What a plane made of the volume.

    Parameters
    ----------
    volume : ndarray, (Z, Y, X), or Composite
        float32 camera counts; a composite where regions decide.
    levels : (float, float)
        Black and white, counts.
    contrast : ndarray, (Z,)
        Of each of its planes.
    output_planes : OutputPlanes or None
        What is known of them beside.
    """

    volume: NDArray[np.float32] | Composite
    levels: tuple[float, float]
    contrast: NDArray[np.float64]
    output_planes: OutputPlanes | None = None


class ScanSignals(Controller):
    """Emitted on the threads of the scan, each thing once and in order.

    Where nothing is known, words are empty; `object` stands for what may be None.
    """

    #: A scan begins, or goes on: its folder, and how many volumes it has.
    begun = pyqtSignal(Path, int)
    #: A volume begins, or goes on with the planes that it has: its number from 1, the
    #: most planes of all after it, and in how many s the last of these may begin.
    volume_begun = pyqtSignal(StoredVolume, int, int, float)
    #: What the scan is doing, in words.
    step = pyqtSignal(str)
    #: A plane is on disk: its number from 1.
    plane_taken = pyqtSignal(Plane, int)
    #: A volume was made, or of a large picture the regions of it that decide.
    volume_made = pyqtSignal(Made)
    #: How far the volumes are that are rendered behind the scans.
    rendered = pyqtSignal(Rendered)
    #: A decision was made: where the next plane is, µm, or None.
    decided = pyqtSignal(Decision, object)
    #: The scan is over, its files are whole: folder, `StoredRun` or None where nothing
    #: was written, error in a line, traceback.
    ended = pyqtSignal(Path, object, str, str)
    #: A plane of the full stack is on disk: its number from 1, and how many there are.
    stack_plane = pyqtSignal(Plane, int, int)
    #: The full stack is over: folder, planes on disk, planes it has, status as of a
    #: summary, error in a line, traceback.
    stack_ended = pyqtSignal(Path, int, int, str, str, str)
    #: A volume was scored: its run and its key, the full stack (Z, Y, X), the scores.
    stack_scored = pyqtSignal(Path, tuple, np.ndarray, str)
