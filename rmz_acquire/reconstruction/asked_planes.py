"""A stack of which few planes are given and others asked for: what optics predict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from rmz_acquire.reconstruction.candidates import LAYERS, WIENER
from rmz_acquire.reconstruction.left_out import LeftOut
from rmz_acquire.reconstruction.likelihood import (
    CameraFloor,
    Given,
    LayerStack,
    OtfLines,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.likelihood import Steps

__all__ = ["Asked", "AskedPlanes"]

Asked = tuple[tuple[int, ...], int]
"""Planes given, and one asked for."""

_STEPS: Steps = ((4, 60), (2, 30))
_DARKEST = 0.005
"""Quantile of the pixels above which the dark level is not looked for."""
_MOST_ASKED = 8
"""Planes asked for between those given, and by each number of them."""


class AskedPlanes:
    """Some planes of a stack given, others asked for.

    Parameters
    ----------
    data : ndarray
        (n, Y, X) counts.
    z_um : ndarray
        (n,) µm.
    """

    def __init__(self, data: NDArray[np.float32], z_um: NDArray[np.float64]) -> None:
        self._z_um = z_um
        floor = CameraFloor()
        for plane in data:
            floor.add(plane)
        dark, noise = floor.level()
        # Thick specimens have no dark block: a level too high bends the scale of z.
        dark = min(dark, float(np.quantile(data, _DARKEST)))
        self._light = torch.from_numpy(data - np.float32(dark))
        mean = max(float(self._light.mean()), 1e-9)
        self._shift = floor.shift(dark, noise, mean)

    def split(self) -> tuple[list[Asked], list[Asked]]:
        """Planes given, and one asked for: to fit with, and others to judge by."""
        n = len(self._z_um)
        fit: list[Asked] = []
        judge: list[Asked] = []
        for planes in (3, 5):
            given = [int((i + 0.5) * n / planes) for i in range(planes)]
            for place in range(planes - 1):
                low, high = given[place], given[place + 1]
                # two planes between each pair: they change sides from pair to pair
                asked = [low + (high - low) // 2]
                if high - low > 2:
                    asked = [low + (high - low) // 3, high - (high - low) // 3]
                sides = (fit, judge) if place % 2 == 0 else (judge, fit)
                for side, plane in zip(sides, asked, strict=False):
                    side.append((tuple(given), plane))
        kept_apart = {plane for _, plane in judge}
        fit = [each for each in fit if each[1] not in kept_apart]
        seen = {plane for given, _ in fit for plane in given}
        return fit, [each for each in judge if each[1] not in seen]

    def every_second(self) -> tuple[list[Asked], list[Asked]]:
        """Split so that every second plane judges, and all others are free to be seen.

        Planes of even number fit anything; among them, every second is asked for to
        choose by.
        """
        n = len(self._z_um)
        return self._between(range(0, n, 4), range(2, n, 4)), self._between(
            range(0, n, 2), range(1, n, 2)
        )

    @staticmethod
    def _between(free: range, asked: range) -> list[Asked]:
        """Give few of some planes, and ask for those of others that lie between."""
        rows: list[Asked] = []
        for planes in (3, 5):
            if len(free) < planes:
                continue
            at = [int((i + 0.5) * len(free) / planes) for i in range(planes)]
            given = tuple(free[i] for i in at)
            inside = [plane for plane in asked if given[0] < plane < given[-1]]
            step = math.ceil(len(inside) / _MOST_ASKED)
            rows += [(given, plane) for plane in inside[::step]]
        return rows

    def errors_db(self, optics: Optics, asked: Sequence[Asked]) -> dict[str, float]:
        """Mean squared error of each estimator, over the planes asked for, dB."""
        grid = torch.from_numpy(self._z_um)
        lines = OtfLines(optics, LayerStack(optics, grid).reach_um)
        height, width = self._light.shape[1:]
        cpu = torch.device("cpu")
        left_out = LeftOut(optics, grid, lines, (height, width), cpu)
        total = {LAYERS: 0.0, WIENER: 0.0}
        for given, plane in asked:
            kept = [*given, plane]
            z = tuple(float(self._z_um[i]) for i in kept)
            planes = Given(self._light[kept], z, self._shift)
            seen, made = left_out.predict(planes, len(given), 1.0, _STEPS)
            for name in total:
                error = max(float(np.mean((made[name] - seen) ** 2)), 1e-30)
                total[name] += 10 * math.log10(error) / len(asked)
        return total
