"""Richardson and Lucy's multiplicative steps for all planes at once, accelerated.

Planes d with Gaussian read noise are taken as Poisson counts after the noise's
variance, in counts, has been added to them and to what the model predicts [1]_. With
layers O, blur H, weights w (0 in the border that was not seen) and prediction
p = H O + s, a step is

    O <- O · H^T (w (d + s) / p) / H^T w ;

it never lowers the likelihood, keeps O non-negative, and is run from a point ahead of
O, as far as Nesterov's momentum carries it.

References
----------
.. [1] Snyder, Helstrom, Lanterman, Faisal and White, "Compensation for readout noise
   in CCD images", J. Opt. Soc. Am. A 12, 272 (1995).
.. [2] Richardson, J. Opt. Soc. Am. 62, 55 (1972); Lucy, Astron. J. 79, 745 (1974).
.. [3] Nesterov, "A method of solving a convex programming problem with convergence
   rate O(1/k^2)", Soviet Math. Dokl. 27, 372 (1983).
.. [4] O'Donoghue and Candès, "Adaptive restart for accelerated gradient schemes",
   Found. Comput. Math. 15, 715 (2015).
.. [5] Morozov, "On the solution of functional equations by the method of
   regularization", Soviet Math. Dokl. 7, 414 (1966).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rmz_acquire.reconstruction.likelihood.fourier import backward, forward, pieces
from rmz_acquire.reconstruction.likelihood.groups import Group, finer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmz_acquire.reconstruction.likelihood.object_layers import Blur, ObjectLayers

__all__ = ["Seen", "ascend", "log_likelihood", "unexplained"]

_GAIN = (1e-3, 3.0)
"""A step multiplies by no less and no more: with momentum, bright sparse beads diverge
where more is allowed."""

_LEAST_SEEN = 0.02
"""Share of a voxel's light in a plane below which it counts as hardly seen."""

_PLAIN_STEPS = 3
"""Steps before momentum begins."""

_ENOUGH = 0.6
"""Deviance of a pixel, in units of its noise, at which planes are explained: 1 is
expected of the true object, and what explains much more explains noise [5]_. Sparse
objects are still gaining at 0.8."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Planes on the grid of the layers.

    Attributes
    ----------
    light : Tensor
        (M, H, W) counts above the background, not below -`shift`.
    weight : Tensor
        (H, W) 1 in the picture, 0 in the border.
    shift : float
        Variance of the read noise over the camera's gain, counts: what is added to
        the planes and to their prediction.
    variance : float
        Variance of a pixel's noise over its counts, `shift` included; 0 where it is
        not known.
    noise : float
        Variance of a pixel's noise, mean over the planes, squared counts; 0 where it
        is not known.
    """

    light: Tensor
    weight: Tensor
    shift: float
    variance: float = 0.0
    noise: float = 0.0


def ascend(
    layers: ObjectLayers,
    blur: Blur,
    seen: Seen,
    start: Tensor,
    steps: int,
    *,
    groups: Sequence[Group] = (),
    momentum: bool = True,
    enough: Callable[[Tensor], bool] | None = None,
    watch: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Raise the likelihood of the planes until they are explained but for their noise.

    Parameters
    ----------
    layers : ObjectLayers
        The grid.
    blur : Blur
        For the planes seen.
    seen : Seen
        The planes.
    start : Tensor
        (L, H, W) where to start, counts; positive.
    steps : int
        How many at most.
    groups : sequence of Group
        Which layers are on which grid; by default all on that of the level.
    momentum : bool
        Whether to accelerate; without it the likelihood never falls.
    enough : callable, optional
        Is handed the layers once, where they are as far from the planes as noise is;
        if it is True, the steps end there.
    watch : callable, optional
        Is handed the number of steps done, and the layers, after each.

    Returns
    -------
    Tensor
        (L, H, W) the layers, counts.
    """
    weighted = seen.weight * (seen.light + seen.shift)
    flat = forward(seen.weight[None]).expand(len(blur), -1, -1)
    floor = max(1e-9 * float(start.max()), 1e-30)
    every = Group(blur, torch.arange(len(start)), 1)
    grids = [_Grid(group, start, flat, floor) for group in groups or (every,)]
    spectra = torch.zeros_like(flat).contiguous()
    for grid in grids:
        grid.project(spectra)
    predicted = _positive(backward(spectra, layers.shape), seen.shift)
    run, best = 0, -math.inf
    most = _explained(weighted, seen, len(blur))
    ask = enough if seen.noise > 0 else None
    for i in range(steps):
        # Where momentum has carried too far, it begins again [4]_.
        likely = _log_likelihood(weighted, seen.weight, predicted)
        if likely >= most:
            break
        if ask is not None and unexplained(weighted, seen, predicted) <= 1:
            if ask(_together(grids, start)):
                break
            ask = None
        run, best = (run + 1, likely) if likely >= best else (0, likely)
        pull = run / (run + 3) if momentum and run >= _PLAIN_STEPS else 0.0
        # H^T w is taken off the planes, not off the layers: one table less to read
        lack = forward(torch.div(weighted, predicted, out=predicted) - seen.weight)
        spectra = torch.zeros_like(lack)
        for grid in grids:
            grid.step(lack, pull, spectra)
        predicted = _positive(backward(spectra, layers.shape), seen.shift)
        if watch is not None:
            watch(i + 1, _together(grids, start))
    return _together(grids, start)


class _Grid:
    """Layers of one grid while steps are made."""

    def __init__(self, group: Group, start: Tensor, flat: Tensor, floor: float) -> None:
        self._group, self._floor = group, floor
        shape = group.blur.shape
        begin = start.index_select(0, group.which.to(start.device))
        if group.thinning is not None:
            begin = group.thinning.sampled(begin)
        self._parts = list(pieces(begin))
        self._now = [begin[part] for part in self._parts]
        self._ahead = [part.clone() for part in self._now]
        self._start = begin
        # What is hardly seen moves slowly instead of anywhere.
        least = _LEAST_SEEN * len(group.blur)
        seen = self._down(flat)
        self._share = [
            backward(group.blur.back(seen, part), shape).clamp_min_(least).reciprocal_()
            for part in self._parts
        ]

    def project(self, spectra: Tensor) -> None:
        """Add the light that is ahead to the spectra of the planes."""
        into = self._into(spectra)
        for part, ahead in zip(self._parts, self._ahead, strict=True):
            self._group.blur.add(into, forward(ahead), part)
        self._add_up(spectra, into)

    def step(self, lack: Tensor, pull: float, spectra: Tensor) -> None:
        """Step by what the planes lack, and add what is then ahead to `spectra`."""
        blur = self._group.blur
        least_gain, most_gain = (gain - 1 for gain in _GAIN)
        lack, into = self._down(lack), self._into(spectra)
        for k, part in enumerate(self._parts):
            gain = backward(blur.back(lack, part), blur.shape)
            gain.mul_(self._share[k]).clamp_(least_gain, most_gain)
            new = torch.addcmul(self._ahead[k], self._ahead[k], gain, out=gain)
            onward = torch.lerp(self._now[k], new, 1 + pull, out=self._ahead[k])
            self._now[k] = new
            blur.add(into, forward(onward.clamp_min_(self._floor)), part)
        self._add_up(spectra, into)

    def write(self, start: Tensor, made: Tensor) -> None:
        """Put the layers where they belong, on the grid of the level."""
        now, which = torch.cat(self._now), self._group.which
        height, width = made.shape[-2:]
        if self._group.times == 1:
            made[which] = now
        else:
            change = now / self._start
            made[which] = start[which] * finer(change, (height, width))

    def _down(self, spectra: Tensor) -> Tensor:
        thinning = self._group.thinning
        return spectra if thinning is None else thinning.down(spectra)

    def _into(self, spectra: Tensor) -> Tensor:
        thinning = self._group.thinning
        return spectra if thinning is None else thinning.empty(len(spectra))

    def _add_up(self, spectra: Tensor, into: Tensor) -> None:
        if self._group.thinning is not None:
            self._group.thinning.add_up(spectra, into)


def _together(grids: Sequence[_Grid], start: Tensor) -> Tensor:
    made = torch.empty_like(start)
    for grid in grids:
        grid.write(start, made)
    return made


def log_likelihood(
    layers: ObjectLayers, blur: Blur, seen: Seen, light: Tensor
) -> float:
    """Poisson log-likelihood of the planes, up to a constant.

    Parameters
    ----------
    layers, blur, seen
        As for `ascend`.
    light : Tensor
        (L, H, W) of the layers, counts.

    Returns
    -------
    float
    """
    predicted = _positive(layers.project(light, blur), seen.shift)
    weighted = seen.weight * (seen.light + seen.shift)
    return _log_likelihood(weighted, seen.weight, predicted)


def _explained(weighted: Tensor, seen: Seen, planes: int) -> float:
    """Log-likelihood from which on only noise is left."""
    if seen.variance <= 0:
        return math.inf
    positive = weighted.clamp_min(1e-30)
    perfect = float((weighted * positive.log() - weighted).sum(dtype=torch.float64))
    pixels = planes * float(seen.weight.sum())
    return perfect - _ENOUGH * seen.variance * pixels / 2


def unexplained(weighted: Tensor, seen: Seen, predicted: Tensor) -> float:
    """Squared distance from the planes to what is predicted, over that of noise.

    Bright pixels count for more than in the likelihood: a sharp object is missed by
    more than noise there, long before dim pixels show it.

    Parameters
    ----------
    weighted : Tensor
        (M, H, W) light of the planes and shift, in the picture.
    seen : Seen
        The planes; their noise is known.
    predicted : Tensor
        (M, H, W) likewise, everywhere.
    """
    away = (weighted - seen.weight * predicted).square().sum(dtype=torch.float64)
    pixels = len(predicted) * float(seen.weight.sum())
    return float(away) / (pixels * seen.noise)


def _log_likelihood(weighted: Tensor, weight: Tensor, predicted: Tensor) -> float:
    likely = weighted * predicted.log() - weight * predicted
    return float(likely.sum(dtype=torch.float64))


def _positive(predicted: Tensor, shift: float) -> Tensor:
    """Counts predicted: what bright spots ring below 0 must not be divided by."""
    return predicted.add_(shift).clamp_min_(max(0.1 * shift, 1e-6))
