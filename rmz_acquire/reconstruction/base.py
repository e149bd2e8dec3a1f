"""What all estimators share: they keep their planes and measure their own change."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.reconstruction.innovation import (
    innovation_of,
    misprediction_of,
    noise_of,
)
from rmz_acquire.reconstruction.normalisation import Normalisation
from rmz_acquire.scanning.records import Estimate
from rmz_acquire.scanning.regions import plane_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.models import LoadedModel
    from rmz_acquire.optics import Optics

__all__ = ["VolumeEstimator"]


class VolumeEstimator(ABC):
    """Planes in, one at a time and in any order; a volume and its change out.

    Parameters
    ----------
    z_um : array_like
        (Z,) ascending output grid, µm.
    optics : Optics, optional
        The microscope, where that is reckoned with.
    model : LoadedModel, optional
        The network, where there is one.

    Raises
    ------
    InputError
        For a grid of fewer than two planes, or one that does not ascend.
    """

    name: str

    def __init__(
        self,
        z_um: ArrayLike,
        optics: Optics | None = None,
        model: LoadedModel | None = None,
    ) -> None:
        grid = np.asarray(z_um, dtype=np.float64)
        ascends = grid.ndim == 1 and len(grid) > 1 and np.all(np.diff(grid) > 0)
        if not (ascends and np.isfinite(grid).all()):
            msg = "the z grid needs at least two planes in ascending order"
            raise InputError(msg)
        self._z_um = grid
        self._made_with = {
            "model": None if model is None else model.card.name,
            "model_sha256": None if model is None else model.sha256,
            "optics": None if optics is None else optics.model_dump(),
        }
        self._images: list[NDArray[np.float32]] = []
        self._at_um: list[float] = []
        self._volume: NDArray[np.float32] | None = None

    @property
    def z_um(self) -> NDArray[np.float64]:
        """The output grid, µm, (Z,)."""
        return self._z_um

    @property
    def volume(self) -> NDArray[np.float32] | None:
        """V_M, camera counts, (Z, Y, X); None before the first plane."""
        return self._volume

    @property
    def planes_taken(self) -> int:
        """M."""
        return len(self._images)

    @property
    def planes(self) -> NDArray[np.float32]:
        """The planes as given, (M, Y, X) counts."""
        return np.stack(self._images)

    @property
    def planes_z_um(self) -> NDArray[np.float64]:
        """Where they were taken, (M,) µm."""
        return np.array(self._at_um)

    @property
    def predicted_error(self) -> NDArray[np.float32] | None:
        """Predicted RMS error of every output plane, (Z,) counts; None if unknown."""
        return None

    def noise_in(self, image: NDArray[np.float32]) -> float:
        """Variance of a pixel's noise in a plane, as it tells itself.

        Parameters
        ----------
        image : ndarray
            (Y, X) counts.

        Returns
        -------
        float
            Squared counts.
        """
        return noise_of(image)

    def describe(self) -> dict[str, Any]:
        """What this estimator is, for summary.json."""
        return {"estimator": self.name, **self._made_with}

    def bytes_needed(self, shape: tuple[int, int], planes: int) -> int:
        """Memory at work on pictures of a shape, bytes, at most.

        Parameters
        ----------
        shape : (int, int)
            Of the planes.
        planes : int
            How many there are.
        """
        return 4 * (6 * len(self._z_um) + 4 * planes) * shape[0] * shape[1]

    @property
    def side_by_side(self) -> bool:
        """Whether small tiles at the same time, each in a thread, are the quickest."""
        return False

    def survey(self, images: Sequence[NDArray[Any]]) -> None:  # noqa: B027
        """Look at whole planes, (Y, X) counts, where only a part of them comes."""

    def learn_from(  # noqa: B027
        self, images: Sequence[NDArray[Any]], z_um: Sequence[float]
    ) -> None:
        """Learn from a part of the planes what holds for all, and make no volume.

        Parameters
        ----------
        images : sequence of ndarray
            (Y, X) camera counts each.
        z_um : sequence of float
            Where they were taken, µm.
        """

    def binned(self, times: int) -> None:  # noqa: B027
        """Be told that each pixel is so many of the camera's, along a side."""

    @property
    def linear_volume(self) -> NDArray[np.float32] | None:
        """The volume, or where it is not linear in the planes, one that is."""
        return self._volume

    def learnt(self) -> object:
        """What the planes have told that holds for all parts of the picture.

        For `settle` of an estimator of another part; None where there is nothing.
        """
        return None

    def settle(self, learnt: object) -> None:  # noqa: B027
        """Take what another part of the picture told, and learn it no more."""

    def add(self, image: NDArray[Any], z_um: float) -> Estimate:
        """Take in one plane.

        Parameters
        ----------
        image : ndarray
            (Y, X) camera counts; every plane of the same shape.
        z_um : float
            Where it was taken, µm.

        Returns
        -------
        Estimate

        Raises
        ------
        InputError
            For a plane of another shape, or with pixels or a z that are no numbers.
        """
        start = time.perf_counter()
        before = self._volume
        plane = self._keep(image, z_um)
        predicted = None if before is None else self._at(before, z_um)
        noise = self.noise_in(plane)
        volume = self._volume = self._reconstruct()
        delta = relative = innovation = raw = missed = None
        if before is not None and predicted is not None:
            dark = Normalisation.of(self.planes).background
            delta = float(np.linalg.norm(volume - before))
            relative = _ratio(delta, float(np.linalg.norm(volume - dark)))
            innovation, raw = innovation_of(predicted, plane, dark, noise)
            missed = misprediction_of(predicted, plane, noise)
        nearest = np.abs(self._z_um[:, None] - self.planes_z_um[None]).min(axis=1)
        return Estimate(
            volume=volume,
            delta=delta,
            delta_relative=relative,
            innovation=innovation,
            innovation_raw=raw,
            predicted_error=self.predicted_error,
            misprediction=missed,
            spread=float(np.std(volume, dtype=np.float64)),
            gap_um=float(nearest.max()),
            seconds=time.perf_counter() - start,
            **self._candidates(),
        )

    def add_all(
        self, images: Iterable[NDArray[Any]], z_um: Iterable[float]
    ) -> NDArray[np.float32]:
        """Take in several planes and make one volume, not one after each.

        Parameters
        ----------
        images : iterable of ndarray
            (Y, X) camera counts each.
        z_um : iterable of float
            Where they were taken, µm.

        Returns
        -------
        ndarray
            (Z, Y, X) float32 counts. That of planes given one by one, save that a
            network with a memory has seen all of them when it sets its scale.

        Raises
        ------
        InputError
            As `add`.
        """
        self._keep_all(images, z_um)
        self._volume = self._reconstruct()
        return self._volume

    def _keep_all(self, images: Iterable[NDArray[Any]], z_um: Iterable[float]) -> None:
        for image, z in zip(images, z_um, strict=True):
            self._keep(image, float(z))

    def _keep(self, image: NDArray[Any], z_um: float) -> NDArray[np.float32]:
        """Check a plane and remember it."""
        # A copy: cameras fill one buffer again and again.
        plane = np.array(image, dtype=np.float32, order="C")
        fits = plane.shape == (self._images or [plane])[0].shape
        if plane.ndim != 2 or plane.size == 0 or not fits:
            wanted = self._images[0].shape if self._images else "(Y, X)"
            msg = f"a plane of shape {plane.shape} does not fit: {wanted} is needed"
            raise InputError(msg)
        if not np.isfinite(plane).all():
            msg = f"the plane at {z_um:g} µm has pixels that are NaN or infinite"
            raise InputError(msg)
        if not math.isfinite(z_um):
            msg = f"plane {len(self._images) + 1} has no place: its z is {z_um}"
            raise InputError(msg)
        self._images.append(plane)
        self._at_um.append(float(z_um))
        return plane

    def candidate_volumes(self) -> Iterator[NDArray[np.float32]]:
        """Make what each candidate says of the planes so far, one by one.

        Yields
        ------
        ndarray
            (Z, Y, X) counts; none where there are no candidates.
        """
        yield from ()

    def compared(self) -> dict[str, Any]:
        """What `Estimate` tells of candidates, of the planes so far."""
        return self._candidates()

    def _candidates(self) -> dict[str, Any]:
        """What `Estimate` tells of candidates, where several are compared."""
        return {}

    @abstractmethod
    def _reconstruct(self) -> NDArray[np.float32]:
        """Volume, counts, of all planes kept."""

    def _at(self, volume: NDArray[np.float32], z_um: float) -> NDArray[np.float32]:
        """The volume at any z, linear between output planes."""
        return plane_at(volume, self._z_um, z_um)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
