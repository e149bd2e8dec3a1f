"""A recorded stack in the place of a microscope: replay without Micro-Manager."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.scanning import Plane

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["RecordedMicroscope"]


class RecordedMicroscope:
    """Gives, for every z asked for, the stored plane that is nearest to it.

    The plane's z is that at which it was recorded, not the one asked for. Times and
    exposure are unknown.

    Parameters
    ----------
    stack : ndarray, (Z, Y, X)
        Camera counts, in the dtype as recorded.
    z_um : sequence of float
        (Z,) where each was taken, µm, ascending.
    pixel_size_um : float, optional
        At the sample, µm; None where it is not known.
    source : mapping, optional
        Where it is from, JSON-ready, to be noted: ``path``, and ``z_axis`` of the file.

    Raises
    ------
    InputError
        If the two do not go together.
    """

    def __init__(
        self,
        stack: NDArray[Any],
        z_um: Sequence[float],
        *,
        pixel_size_um: float | None = None,
        source: Mapping[str, Any] | None = None,
    ) -> None:
        z = np.asarray(z_um, dtype=np.float64)
        if stack.ndim != 3 or len(stack) < 2:
            shape = " × ".join(str(n) for n in stack.shape)
            msg = f"a stack of two planes or more is needed, not an array of {shape}"
            raise InputError(msg)
        if z.shape != (len(stack),):
            msg = f"{len(stack)} planes have {z.size} z positions: give one for each"
            raise InputError(msg)
        if not np.isfinite(z).all() or (np.diff(z) <= 0).any():
            msg = "the z positions of the planes must be finite and ascend"
            raise InputError(msg)
        #: (Z, Y, X) camera counts.
        self.stack = stack
        self._z_um = z
        self._slack_um = float(np.diff(z).max()) / 2 + 1e-9
        #: At the sample, µm; None where it is not known.
        self.pixel_size_um = pixel_size_um
        self._source = dict(source or {})

    @property
    def z_um(self) -> tuple[float, ...]:
        """Where each plane was taken, µm, ascending."""
        return tuple(float(z) for z in self._z_um)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a plane, pixels."""
        _, height, width = self.stack.shape
        return height, width

    @property
    def pixel_type(self) -> str:
        """Of a plane, as numpy names it."""
        return str(self.stack.dtype)

    def describe(self) -> dict[str, Any]:
        """Give source, shape, z and the hash of the pixels, JSON-ready."""
        pixels = np.ascontiguousarray(self.stack)
        return {
            **self._source,
            "shape": list(pixels.shape),
            "z_um": list(self.z_um),
            "pixel_size_um": self.pixel_size_um,
            "sha256": sha256(pixels.view(np.uint8).data).hexdigest(),
        }

    def check(self, z_um: float) -> None:
        """Refuse a z that is not of the stack.

        Raises
        ------
        InputError
            If it lies more than half a step outside the stack.
        """
        low, high = self._z_um[0], self._z_um[-1]
        if not low - self._slack_um <= z_um <= high + self._slack_um:
            msg = f"z {z_um:g} µm is outside the stack, {low:g} to {high:g} µm"
            raise InputError(msg)

    def __enter__(self) -> Self:
        """Nothing to make ready."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def capture(self, z_um: float) -> Plane:
        """Give the plane nearest to a z.

        Parameters
        ----------
        z_um : float
            Asked for, µm.

        Returns
        -------
        Plane
            Its image is a copy.

        Raises
        ------
        InputError
            If z lies more than half a step outside the stack.
        """
        self.check(z_um)
        index = int(np.argmin(np.abs(self._z_um - z_um)))
        return Plane(
            image=self.stack[index].copy(),
            z_um=float(self._z_um[index]),
            z_requested_um=float(z_um),
            exposure_ms=None,
            stage_ms=None,
            camera_ms=None,
            time=datetime.now(UTC),
            noise_free=True,
        )
