"""Reads runs from disk for the window and compares them, each on a helper thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import pyqtSignal

from rmz_acquire.evaluation import planes_not_taken
from rmz_acquire.experiments.volume_scores import score_volume
from rmz_acquire.gui.controllers.controller import Controller
from rmz_acquire.gui.models.stored_runs import StoredRun, StoredVolume, load_run
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from rmz_acquire.recording.experiment_folder import Key

__all__ = ["RunReader", "score_against"]


class RunReader(Controller):
    """Opens runs and makes the volumes to compare with."""

    #: A run was read from disk, or another volume of it.
    opened = pyqtSignal(StoredRun)
    #: Another volume to look at was made: by what, (Z, Y, X) float32 counts.
    compared = pyqtSignal(str, np.ndarray)

    def __init__(self) -> None:
        super().__init__()
        self._workers: list[Worker] = []

    def open_run(self, folder: Path, key: Key | None = None) -> None:
        """Read a run, by default its last volume; `opened` comes."""
        self._help(lambda: self.opened.emit(load_run(folder, key)))

    def compare(self, volume: StoredVolume, name: str) -> None:
        """Make the volume that another estimator gives from the same planes.

        Parameters
        ----------
        volume : StoredVolume
            Has the planes.
        name : str
            ``linear``, ``nearest`` or ``wiener``.
        """

        def work() -> None:
            made = _made_by(name, volume)
            if made is not None:
                self.compared.emit(name, made)

        self._help(work)

    def close(self) -> None:
        """End what is at work; nobody looks at it any more."""
        for worker in self._workers:
            worker.end()

    def _help(self, work: Callable[[], None]) -> None:
        """Do something that takes time, tell what goes wrong."""
        self._workers = [worker for worker in self._workers if worker.alive]
        worker = Worker("helper")
        worker.submit(lambda: self.guarded(work))
        worker.close()
        self._workers.append(worker)


def score_against(truth: NDArray[np.float32], volume: StoredVolume) -> str | None:
    """Say how far a volume is from its full stack; None where they do not fit.

    Beside it what the baselines make of the same planes, over those not taken.

    Parameters
    ----------
    truth : ndarray
        (Z, Y, X) counts.
    volume : StoredVolume
        With its planes.
    """
    pixels = volume.pixels
    if pixels is None or truth.shape != pixels.shape:
        return None
    unseen = planes_not_taken(volume.z_um, [plane.z_um for plane in volume.planes])
    if not unseen.any():
        return "Every plane of the stack was taken: there is nothing to compare."
    found = score_volume(
        truth,
        pixels,
        volume.planes,
        volume.z_um,
        estimator=volume.estimator,
        optics=volume.optics,
        baselines=True,
        say=lambda name: None,
    )
    shown = {volume.estimator: found, **found["baselines"]}
    said = [f"{name} {_scores(of)}" for name, of in shown.items() if of is not None]
    return (
        f"Against the full stack, over the {int(unseen.sum())} planes not taken: "
        f"{', '.join(said)} (the stack's own noise counts as error)."
    )


def _made_by(name: str, volume: StoredVolume) -> NDArray[np.float32] | None:
    made = make_estimator(name, volume.z_um, volume.optics)
    for plane in volume.planes:
        made.add(plane.image, plane.z_um)
    return made.volume


def _scores(found: Mapping[str, float | None]) -> str:
    psnr_db, ssim = found["psnr_db"], found["ssim"]
    said = "exact" if psnr_db is None else f"{psnr_db:.1f} dB"
    return said if ssim is None else f"{said} (SSIM {ssim:.2f})"
