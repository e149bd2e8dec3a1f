"""Errors of whole volumes, where scans decided on regions and made none.

A promise is about the volume that a user gets, so a calibration makes it, as it is made
after a scan: all of the picture. It does so only for as many planes as matter. Along
the sequence of thresholds scans stop earlier and earlier. Once one has failed, it
counts as failed at every looser threshold; where more have failed than may, no looser
threshold can be taken, whatever others do. To count a failure too many keeps a promise.

The errors of the regions alone would cost nothing, but they are of other volumes:
binned, on fewer z, with fewer steps, and where most is to be seen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.evaluation.metrics import nrmse, planes_not_taken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.evaluation.scan_traces import Trace

    Whole = Callable[[Sequence[NDArray[Any]], Sequence[float]], NDArray[np.float32]]

__all__ = ["WholeErrors"]


class WholeErrors:
    """Finds out the errors of traces one by one, as far as they matter.

    Parameters
    ----------
    whole : callable
        Makes a volume on the grid, (Z, Y, X) counts, of images and their z, µm.
    z_um : sequence of float
        (Z,) the grid, µm.
    target_nrmse : float
        Above which a scan has failed.
    allowed : int
        How many specimens may fail.
    """

    def __init__(
        self,
        whole: Whole,
        z_um: Sequence[float],
        target_nrmse: float,
        allowed: int,
    ) -> None:
        self._whole, self._grid = whole, np.asarray(z_um, dtype=np.float64)
        self._target, self._allowed = target_nrmse, allowed
        self._failed_at: dict[str, int] = {}
        #: Volumes that were made.
        self.made = 0

    def known(
        self,
        trace: Trace,
        stops: Sequence[int] | NDArray[np.int_],
        counts: NDArray[Any],
        truth: NDArray[Any],
    ) -> Trace:
        """Give a trace its errors.

        Parameters
        ----------
        trace : Trace
            Of a scan to its most planes.
        stops : sequence of int
            (T,) after how many planes it stops, by threshold, the strictest first;
            none larger than the one before.
        counts, truth : ndarray, (Z, Y, X)
            What the camera gave, and what volumes are compared with.

        Returns
        -------
        Trace
            With the NRMSE after as many planes as matter, infinite after others.
        """
        errors = np.full(len(trace.taken), np.inf)
        for index, planes in enumerate(stops):
            # the strictest is always looked at: where it fails, one is told how often
            worst = self._failed_at.get(trace.specimen, np.inf)
            if index and index >= min(worst, self._enough):
                break
            if np.isinf(errors[planes - 1]):
                errors[planes - 1] = self._error(trace, int(planes), counts, truth)
            if errors[planes - 1] > self._target:
                self._failed_at[trace.specimen] = index
                break
        return replace(trace, nrmse=tuple(errors.tolist()))

    @property
    def _enough(self) -> float:
        """Index of the threshold from which on too many have failed."""
        failed = sorted(self._failed_at.values())
        return failed[self._allowed] if len(failed) > self._allowed else np.inf

    def _error(
        self, trace: Trace, planes: int, counts: NDArray[Any], truth: NDArray[Any]
    ) -> float:
        z_um = [seen.z_um for seen in trace.taken[:planes]]
        left = planes_not_taken(self._grid.tolist(), z_um)
        if not left.any():
            return 0.0
        images = [counts[int(np.abs(self._grid - z).argmin())] for z in z_um]
        self.made += 1
        return nrmse(truth, self._whole(images, z_um), left) or 0.0
