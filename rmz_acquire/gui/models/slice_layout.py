"""Where xy, xz and yz of a volume stand in one drawing, and which voxel is where."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.scanning import Region

__all__ = ["Box", "Point", "SliceLayout"]


class Box(NamedTuple):
    """A rectangle: left, top, width, height."""

    left: float
    top: float
    width: float
    height: float

    def part(self, across: float, down: float) -> tuple[float, float] | None:
        """Where in it a point lies, from 0 to 1 across and down; None outside."""
        right = (across - self.left) / self.width
        below = (down - self.top) / self.height
        return (right, below) if 0 <= right <= 1 and 0 <= below <= 1 else None


class Point(NamedTuple):
    """What is at a point of the drawing.

    Voxel indices; the direction that one looks along has None.
    """

    z: int | None
    y: int | None
    x: int | None


@dataclass(frozen=True, slots=True)
class SliceLayout:
    """xy above to the left, xz beneath it with its top at the highest z, yz beside it.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels, (Z, Y, X).
    width, height, depth : float
        Of the drawn volume, µm; depth as drawn, `stretch` times the true one.
    stretch : int
        How many times thicker than true a thin volume is drawn.
    gap : float
        Between the pictures, µm.
    """

    shape: tuple[int, int, int]
    width: float
    height: float
    depth: float
    stretch: int
    gap: float

    @classmethod
    def of(
        cls, shape: tuple[int, int, int], z_um: Sequence[float], pixel_um: float
    ) -> SliceLayout:
        """Lay a volume out.

        Parameters
        ----------
        shape : (int, int, int)
            Voxels, (Z, Y, X).
        z_um : sequence of float
            (Z,) its grid, µm, ascending.
        pixel_um : float
            Pixel at the sample, µm.
        """
        _, high, wide = shape
        width, height = wide * pixel_um, high * pixel_um
        step = float(np.diff(z_um).mean()) if len(z_um) > 1 else pixel_um
        depth = step * len(z_um)
        stretch = max(1, math.ceil(width / 5 / depth))
        depth *= stretch
        return cls(shape, width, height, depth, stretch, 0.015 * (width + depth))

    @property
    def boxes(self) -> tuple[Box, Box, Box]:
        """Where xy, xz and yz stand."""
        return (
            Box(0, 0, self.width, self.height),
            Box(0, self.height + self.gap, self.width, self.depth),
            Box(self.width + self.gap, 0, self.depth, self.height),
        )

    @property
    def whole(self) -> Box:
        """All of it."""
        beyond = self.gap + self.depth
        return Box(0, 0, self.width + beyond, self.height + beyond)

    def crosshair(
        self, at: Sequence[int]
    ) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        """Two lines through the middle of a voxel (z, y, x) in each picture.

        Returns
        -------
        list of ((x, x), (y, y))
            Their ends: down and across in xy, in xz and in yz.
        """
        part = [(i + 0.5) / n for i, n in zip(at, self.shape, strict=True)]
        lines = []
        for box, across, down in zip(
            self.boxes,
            (part[2], part[2], part[0]),
            (part[1], 1 - part[0], part[1]),
            strict=True,
        ):
            x = box.left + across * box.width
            y = box.top + down * box.height
            lines.append(((x, x), (box.top, box.top + box.height)))
            lines.append(((box.left, box.left + box.width), (y, y)))
        return lines

    def region(
        self, region: Region, y: int | None, x: int | None
    ) -> tuple[Box, Box | None, Box | None]:
        """Where a part of the picture stands in xy, xz and yz.

        Parameters
        ----------
        region : Region
            Which, pixels.
        y, x : int or None
            Where xz and yz are cut; None looks through all of it.

        Returns
        -------
        tuple of (Box, Box or None, Box or None)
            None where that does not cut it.
        """
        xy, xz, yz = self.boxes
        pixel_y, pixel_x = self.height / self.shape[1], self.width / self.shape[2]
        left, top = region.x * pixel_x, region.y * pixel_y
        width, height = region.width * pixel_x, region.height * pixel_y
        in_xz = y is None or region.y <= y < region.y + region.height
        in_yz = x is None or region.x <= x < region.x + region.width
        return (
            Box(xy.left + left, xy.top + top, width, height),
            Box(xz.left + left, xz.top, width, xz.height) if in_xz else None,
            Box(yz.left, yz.top + top, yz.width, height) if in_yz else None,
        )

    def at(self, across: float, down: float) -> Point | None:
        """Which voxel is at a point of the drawing; None between the pictures."""
        depth_n, high, wide = self.shape
        xy, xz, yz = (box.part(across, down) for box in self.boxes)
        if xy is not None:
            return Point(None, _index(xy[1], high), _index(xy[0], wide))
        if xz is not None:
            return Point(_index(1 - xz[1], depth_n), None, _index(xz[0], wide))
        if yz is not None:
            return Point(_index(yz[0], depth_n), _index(yz[1], high), None)
        return None


def _index(part: float, count: int) -> int:
    return min(max(int(part * count), 0), count - 1)
