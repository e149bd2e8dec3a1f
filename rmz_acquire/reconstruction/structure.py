"""Where in a picture there is something to see, and which tiles of it to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.scanning.regions import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["BLOCK_PX", "Structure"]

BLOCK_PX = 32
"""Side of a block, pixels: tiles begin at multiples of it."""

_BIN = 4
"""Pixels, along a side, over which noise is averaged before structure is looked for."""

_CHANCE = 1.8
"""Times what noise leaves after that which is no structure yet: the variance of the
64 values of a block is off by 18 % by chance."""


class Structure:
    """What blocks of a picture have shown above their noise, in any plane so far.

    Parameters
    ----------
    shape : (int, int)
        Of the planes.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        blocks = tuple(max(1, n // BLOCK_PX) for n in shape)
        #: Variance of the light in each block, squared counts.
        self.seen: NDArray[np.float64] = np.zeros(blocks)

    def see(self, image: NDArray[Any]) -> None:
        """Take in a plane, (Y, X) counts."""
        if min(self._shape) < BLOCK_PX:
            return
        rows, columns = (n * BLOCK_PX for n in self.seen.shape)
        cut = image[:rows, :columns]
        n, m = rows // _BIN, columns // _BIN
        small = cut.reshape(n, _BIN, m, _BIN).mean((1, 3), dtype=np.float32)
        within = _by_block(small, BLOCK_PX // _BIN, BLOCK_PX // _BIN).var(axis=(1, 3))
        # of neighbours: what structure adds to it is divided by as much as the noise
        some = cut[::_BIN].astype(np.float32)
        apart = (some[:, 1::2] - some[:, ::2]) ** 2
        noise = _by_block(apart, BLOCK_PX // _BIN, BLOCK_PX // 2).mean(axis=(1, 3)) / 2
        above = within - _CHANCE * noise / _BIN**2
        np.maximum(self.seen, above, out=self.seen)

    def of(self, region: Region) -> float:
        """How much there is in a region, squared counts times blocks."""
        rows, columns = (
            slice(first // BLOCK_PX, -(-(first + n) // BLOCK_PX))
            for first, n in ((region.y, region.height), (region.x, region.width))
        )
        return float(self.seen[rows, columns].sum())

    def best(
        self,
        height: int,
        width: int,
        taken: Sequence[Region] = (),
        step: int = BLOCK_PX,
    ) -> Region | None:
        """Give the place of that size with most in it, apart from others.

        Parameters
        ----------
        height, width : int
            Pixels.
        taken : sequence of Region
            Where it must not be.
        step : int
            Pixels, of which its corner is a multiple.

        Returns
        -------
        Region or None
            None where there is no such place, or nothing to see.
        """
        places = self._places(height, width, taken, step)
        found = max(places, key=self.of, default=None)
        return None if found is None or self.of(found) <= 0 else found

    def any(
        self,
        height: int,
        width: int,
        taken: Sequence[Region],
        rng: np.random.Generator,
    ) -> Region | None:
        """Draw a place of that size; None where there is none apart from others."""
        places = self._places(height, width, taken)
        return places[int(rng.integers(len(places)))] if places else None

    def _places(
        self, height: int, width: int, taken: Sequence[Region], step: int = BLOCK_PX
    ) -> list[Region]:
        steps = (
            [*range(0, whole - n + 1, step)]
            for whole, n in zip(self._shape, (height, width), strict=True)
        )
        rows, columns = steps
        every = (Region(y, x, height, width) for y in rows for x in columns)
        return [r for r in every if not any(r.overlaps(other) for other in taken)]


def _by_block(x: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """(blocks down, rows, blocks across, columns)."""
    return x.reshape(x.shape[0] // rows, rows, x.shape[1] // columns, columns)
