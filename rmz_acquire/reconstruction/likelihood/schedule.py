"""How many steps on which grid: layers from nothing, and layers that go on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rmz_acquire.reconstruction.likelihood.ascent import Seen, ascend, unexplained
from rmz_acquire.reconstruction.likelihood.groups import (
    Group,
    Thinning,
    coarser,
    finer,
)
from rmz_acquire.reconstruction.likelihood.levels import COARSEST
from rmz_acquire.reconstruction.likelihood.object_layers import Blur

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.likelihood.levels import Levels

__all__ = ["Data", "Given", "Steps", "fitting", "from_nothing", "go_on"]

Steps = tuple[tuple[int, int], ...]
"""Binning and steps, coarse to fine."""


_LEAST = 1e-6
"""Least light of a voxel where steps begin, over the mean: none grows from 0."""

_COARSEST_NYQUIST = 12.0
"""Largest pixels of a grid, over those that sample the optics as Nyquist asks."""

_MORE_THAN_NOISE = 0.1
"""Mean squared distance from the planes, over the variance of a pixel's noise, that is
left beside noise where the planes are explained: how well the noise is known."""

_CHANGE = (0.05, 20.0)
"""Bounds of the ratio that is carried from a coarse grid to the next."""


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Planes at hand, and what is known of their noise.

    Attributes
    ----------
    light : Tensor
        (M, Y, X) counts above the background.
    z_um : tuple of float
        Of each, µm.
    shift, variance, noise : float
        As of `Seen`.
    """

    light: Tensor
    z_um: tuple[float, ...]
    shift: float
    variance: float = 0.0
    noise: float = 0.0

    def first(self, n: int) -> Given:
        """The first n planes."""
        return replace(self, light=self.light[:n], z_um=self.z_um[:n])

    def without(self, index: int) -> Given:
        """All planes but one."""
        kept = [i for i in range(len(self.z_um)) if i != index]
        at = tuple(self.z_um[i] for i in kept)
        return replace(self, light=self.light[kept], z_um=at)


class Data:
    """Planes, where they are, and their OTFs at every level that was used.

    Parameters
    ----------
    levels : Levels
        The grids.
    """

    def __init__(self, levels: Levels) -> None:
        self.levels = levels
        self._z_um: list[float] = []
        self._given: Given | None = None
        self._blurs: dict[int, Blur] = {}

    def see(self, given: Given) -> None:
        """Take planes in; those known already come first, as before."""
        self._given = given
        for z in given.z_um[len(self._z_um) :]:
            self._z_um.append(z)
            for blur in self._blurs.values():
                blur.include(z)

    @property
    def mean(self) -> float:
        """Mean light of the planes, positive."""
        assert self._given is not None
        light, shift = self._given.light, self._given.shift
        return max(float(light.mean()), 1e-3 * shift, 1e-9)

    def blur(self, binning: int) -> Blur:
        """OTFs of the planes at a level."""
        if binning not in self._blurs:
            self._blurs[binning] = Blur(self.levels.at(binning), self._z_um)
        return self._blurs[binning]

    def explained(self, light: Tensor) -> Tensor:
        """What layers give of the planes, (M, Y, X) above the dark, on the CPU."""
        given = self.levels.at(1).project(light, self.blur(1))
        return self.levels.picture(given).cpu()

    def raise_likelihood(
        self,
        start: Tensor,
        binning: int,
        steps: int,
        enough: Callable[[Tensor], bool] | None = None,
    ) -> Tensor:
        """Steps from some layers at a level; `enough` as of `ascend`."""
        layers, seen = self.levels.at(binning), self.seen(binning)
        blur, groups = self.blur(binning), self._groups(binning)
        return ascend(layers, blur, seen, start, steps, groups=groups, enough=enough)

    def only_noise_left(self, light: Tensor, binning: int) -> bool:
        """Whether layers of any level explain the planes at one but for noise."""
        seen, layers = self.seen(binning), self.levels.at(binning)
        made = layers.project(finer(light, layers.shape), self.blur(binning))
        weighted = seen.weight * (seen.light + seen.shift)
        left = unexplained(weighted, seen, made + seen.shift)
        return left <= 1 + _MORE_THAN_NOISE * binning**2

    def _groups(self, binning: int) -> list[Group]:
        """Layers by the grid that suffices for them at a level."""
        layers = self.levels.at(binning)
        times = layers.times(self._z_um).clamp_max(COARSEST // binning)
        groups = []
        for each in sorted(set(times.tolist())):
            which = (times == each).nonzero()[:, 0]
            blur = self.blur(binning * each)
            if len(which) < len(times):
                blur = blur.of(which)
            thinning = Thinning(layers.shape, each, layers.device)
            groups.append(Group(blur, which, each, thinning if each > 1 else None))
        return groups

    def seen(self, binning: int) -> Seen:
        """The planes at a level."""
        assert self._given is not None
        given = self._given
        known = given.variance, given.noise
        return self.levels.seen(given.light, given.shift, binning, *known)


def fitting(steps: Steps, optics: Optics) -> Steps:
    """Leave out the grids that are too coarse for some optics.

    The OTF knows nothing of the size of pixels. Where they are large beside the finest
    detail that the objective passes, steps on coarse ones lead astray, and more of
    them farther.

    Parameters
    ----------
    steps : Steps
        Coarse to fine.
    optics : Optics
        The microscope.

    Returns
    -------
    Steps
        With half of the steps on what is now the coarsest grid.
    """
    nyquist_um = optics.wavelength_um / (4 * optics.na)
    most = _COARSEST_NYQUIST * nyquist_um / optics.pixel_size_um
    if steps[0][0] <= most:
        return steps
    kept = [(binning, count) for binning, count in steps if binning <= most]
    if not kept:
        kept = [(2 if most >= 2 else 1, steps[-1][1])]
    binning, count = kept[0]
    return ((binning, max(1, count // 2)), *kept[1:])


def from_nothing(data: Data, steps: Steps) -> Tensor:
    """Layers of the planes alone.

    Where the noise is known, steps end for good on a grid on which the planes are
    explained but for their noise, if they are on the next finer grid, too: more of them
    would explain noise. What is sharp is not explained there, and they go on.

    Parameters
    ----------
    data : Data
        The planes.
    steps : Steps
        What to spend, at one or more levels.

    Returns
    -------
    Tensor
        (L, H, W) counts, at the last binning.
    """
    light: Tensor | None = None
    done = False
    for place, (binning, count) in enumerate(steps):
        layers = data.levels.at(binning)
        if light is None:
            n = len(layers.depths_um)
            size = (n, *layers.shape)
            start = torch.full(size, data.mean / n, device=layers.device)
        else:
            start = _lifted(finer(light, layers.shape))
        if done:
            light = start
            continue
        last = place + 1 == len(steps)
        enough = None if last else _Enough(data, steps[place + 1][0])
        light = data.raise_likelihood(start, binning, count, enough)
        done = enough is not None and enough.reached
    assert light is not None
    return light


class _Enough:
    """Whether layers of a grid explain the planes on the next finer one, too."""

    def __init__(self, data: Data, next_binning: int) -> None:
        self._data, self._next = data, next_binning
        self.reached = False

    def __call__(self, light: Tensor) -> bool:
        self.reached = self._data.only_noise_left(light, self._next)
        return self.reached


def go_on(data: Data, steps: Steps, light: Tensor) -> Tensor:
    """Layers that go on from those at hand once there is another plane.

    They are binned, steps run from them, and what these changed is carried, as a
    ratio, to the next finer grid.

    Parameters
    ----------
    data : Data
        All planes.
    steps : Steps
        What to spend; the last binning is 1.
    light : Tensor
        (L, H, W) the layers at hand, binning 1.

    Returns
    -------
    Tensor
        (L, H, W) counts, binning 1.
    """
    change: Tensor | None = None
    made = light
    for binning, count in steps:
        shape = data.levels.at(binning).shape
        before = _lifted(coarser(light, binning))
        start = before
        if change is not None:
            start = _lifted(before * finer(change, shape))
        made = data.raise_likelihood(start, binning, count)
        change = (made / before).clamp(*_CHANGE)
    return made


def _lifted(light: Tensor) -> Tensor:
    return light.clamp_min(max(_LEAST * float(light.mean()), 1e-30))
