"""Scans of dense stacks as an experiment would have them, to calibrate its stop on.

Estimator, model, regions and grid come from where those of an experiment come from, so
that what is calibrated is what will be scanned.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.experiments.on_stack import OnStack
from rmz_acquire.experiments.own import Own
from rmz_acquire.experiments.whole_volumes import parts_of
from rmz_acquire.simulation.recorded import RecordedMicroscope

if TYPE_CHECKING:
    from collections.abc import Sequence

    import useq
    from numpy.typing import NDArray

    from rmz_acquire.scanning import Estimator, ScanPlan

__all__ = ["CalibrationScans"]


class CalibrationScans:
    """Makes what scans of dense stacks need.

    Parameters
    ----------
    sequence : useq.MDASequence
        An experiment of one volume over one such stack.
    shape : (int, int)
        Of the pictures, pixels.
    pixel_size_um : float, optional
        At the sample, µm.

    Raises
    ------
    InputError
        As `run` raises it before anything moves. Names the key.
    """

    def __init__(
        self,
        sequence: useq.MDASequence,
        shape: tuple[int, int],
        pixel_size_um: float | None = None,
    ) -> None:
        z_um = sorted(event.z_pos or 0.0 for event in sequence)
        # what is checked is its shape alone
        dark = np.broadcast_to(np.uint16(0), (len(z_um), *shape))
        stack = RecordedMicroscope(dark, z_um, pixel_size_um=pixel_size_um)
        self._prepared = OnStack(stack).prepare(sequence, Own())
        (self._volume,) = self._prepared.volumes
        self._estimators = self._prepared.estimators
        self._made = 0
        #: Of every scan.
        self.plan: ScanPlan = self._volume.plan(self._prepared.settings)
        #: Settings on which it depends what a scan decides.
        self.conditions: dict[str, Any] = self._estimators.conditions(self._volume)

    @property
    def on_regions(self) -> bool:
        """Whether parts of the picture decide."""
        return self._estimators.deciding(self._volume).on_regions

    def make(self, z_um: NDArray[np.float64]) -> Estimator:
        """Make the estimator of another scan, whose drawn tile lies elsewhere.

        Parameters
        ----------
        z_um : ndarray
            (Z,) the grid, µm.
        """
        volume = replace(self._volume, number=self._made)
        self._made += 1
        return self._estimators.make(volume, z_um.tolist())

    def whole(
        self, images: Sequence[NDArray[Any]], z_um: Sequence[float]
    ) -> NDArray[np.float32]:
        """Make the whole volume of some planes, as after a scan.

        Parameters
        ----------
        images : sequence of ndarray
            (Y, X) camera counts each, in the order taken.
        z_um : sequence of float
            Where they were taken, µm.

        Returns
        -------
        ndarray
            (Z, Y, X) camera counts.
        """
        made = np.empty((len(self.plan.z_um), *images[0].shape), np.float32)
        for part in parts_of(self._estimators, self._volume, images, z_um):
            made[:, *part.region.slices] = part.volume
        return made
