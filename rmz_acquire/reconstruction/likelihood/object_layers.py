"""Object layers under a picture, and how light goes between them and planes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rmz_acquire.reconstruction.likelihood.fourier import (
    add_low,
    backward,
    forward,
    low,
    pieces,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.likelihood.otf_lines import OtfLines

__all__ = ["Blur", "LayerStack", "ObjectLayers"]

_KEPT_BYTES = 1 << 30
"""OTFs that are kept, a level; those of larger pictures are made at every use."""


_SMALL = 1 << 15
"""Values of a layer below which one call over many is faster than one call each."""


_FAR_PX = 12.0
"""Radius of the blur of the nearest plane, pixels, from which on two of them suffice
for one of a layer; four from twice the radius on."""

_TIMES = (1, 2, 4, 8)
"""Pixels that may suffice for one, along a side."""


class LayerStack:
    """Depths of the object layers of a z grid.

    Layers are one depth of field apart at most, a whole number of grid steps where the
    grid is even, and reach beyond both ends of the grid: light comes from there too.
    They are the same at every `z_scale`: more of them explain planes better, and what
    is left of planes is to tell the scale.

    Parameters
    ----------
    optics : Optics
        The microscope.
    z_um : Tensor
        (n,) float64 ascending z grid of the stage, µm.
    z_scale : float
        Steps of the focus over those that the optics tell for the stage.
    beyond : float
        Layers beyond each end, as a share of the grid's length.

    Attributes
    ----------
    depths_um : Tensor
        (L,) float64, in z of the stage, µm.
    step_um : float
        All z of an even grid and all layers lie on multiples of it; 0 if uneven.
    span_um : float
        Length of the grid, µm of the stage.
    reach_um : float
        Largest defocus between the grid and a layer, µm; `z_scale` is in it.
    """

    def __init__(
        self,
        optics: Optics,
        z_um: Tensor,
        *,
        z_scale: float = 1.0,
        beyond: float = 1 / 3,
    ) -> None:
        self.z_scale = z_scale
        steps = z_um.diff()
        step = float(steps.mean())
        even = bool(((steps / step - 1).abs() < 1e-3).all())
        depth = optics.depth_of_field_um
        if step > depth:
            step /= math.ceil(step / depth)
        spacing = step * int(depth / step)
        low, high = float(z_um[0]), float(z_um[-1])
        outside = max((high - low) * beyond, depth)
        before = math.ceil(outside / spacing)
        after = math.ceil((high - low + outside) / spacing)
        place = torch.arange(-before, after + 1, dtype=torch.float64)
        self.depths_um = low + place * spacing
        self.step_um = step if even else 0.0
        self.span_um = high - low
        ends = high - self.depths_um[0], self.depths_um[-1] - low
        self.reach_um = float(max(ends)) * z_scale


class Blur:
    """OTFs of every layer in planes at given z, a few layers at a time.

    Parameters
    ----------
    layers : ObjectLayers
        Where the light comes from.
    z_um : sequence of float
        (M,) z of the planes, µm of the stage.
    which : Tensor, optional
        (n,) some of the layers, in this order; by default all.
    """

    def __init__(
        self, layers: ObjectLayers, z_um: Sequence[float], which: Tensor | None = None
    ) -> None:
        self._layers = layers
        every = torch.arange(len(layers.depths_um))
        self._which = every if which is None else which
        self._z_um: list[float] = []
        self._kept: list[Tensor] = []
        for z in z_um:
            self.include(z)

    def include(self, z_um: float) -> None:
        """Add a plane, µm of the stage."""
        self._z_um.append(z_um)
        size = len(self._which) * self._layers.values
        if 4 * len(self._z_um) * size > _KEPT_BYTES:
            self._kept.clear()
        elif len(self._kept) == len(self._z_um) - 1:
            self._kept.append(self._layers.transfer(z_um, self._which))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the grid, pixels."""
        return self._layers.shape

    def of(self, which: Tensor) -> Blur:
        """Give the OTFs of some of the layers."""
        return Blur(self._layers, self._z_um, self._which[which])

    def __len__(self) -> int:
        return len(self._z_um)

    def add(self, planes: Tensor, light: Tensor, part: slice) -> None:
        """Add the light of some layers to the planes.

        Parameters
        ----------
        planes : Tensor
            (M, H, 2 W') spectra, added to in place.
        light : Tensor
            (n, H, 2 W') spectra of the layers.
        part : slice
            Which layers they are.
        """
        small = light[0].numel() < _SMALL
        for plane, rows in zip(planes, self._rows(part), strict=True):
            if small:
                plane.add_((rows * light).sum(0))
                continue
            for row, layer in zip(rows, light, strict=True):
                plane.addcmul_(row, layer)

    def back(self, planes: Tensor, part: slice) -> Tensor:
        """Carry planes back to some layers: the transpose of `add`.

        Parameters
        ----------
        planes : Tensor
            (M, H, 2 W') spectra.
        part : slice
            Which layers.

        Returns
        -------
        Tensor
            (n, H, 2 W') spectra.
        """
        total: Tensor | None = None
        for plane, rows in zip(planes, self._rows(part), strict=True):
            total = rows * plane if total is None else total.addcmul_(rows, plane)
        assert total is not None
        return total

    def _rows(self, part: slice) -> list[Tensor]:
        """OTFs of some layers, (n, H, 2 W') for each plane."""
        if self._kept:
            return [rows[part] for rows in self._kept]
        which = self._which[part]
        return [self._layers.transfer(z, which) for z in self._z_um]


class ObjectLayers:
    """A stack of layers on one grid of pixels.

    Parameters
    ----------
    lines : OtfLines
        Of the microscope.
    stack : LayerStack
        Where the layers lie.
    shape : (int, int)
        Height and width of the grid, border included, pixels of this grid.
    binning : int
        Camera pixels in one of its pixels, along a side.
    device : torch.device
        Where to compute.
    """

    def __init__(
        self,
        lines: OtfLines,
        stack: LayerStack,
        shape: tuple[int, int],
        binning: int,
        device: torch.device,
    ) -> None:
        self.shape, self.stack, self.device = shape, stack, device
        self.depths_um = stack.depths_um
        self._lines = lines
        px_per_um = lines.optics.blur_radius_px_per_um / binning
        self._blur_px_per_um = px_per_um * stack.z_scale
        node, part = lines.places(shape, binning)
        self._node, self._part = node.to(device), part.to(device)
        self.values = len(node)
        self._lattices: dict[int, Tensor] = {}

    def times(self, z_um: Sequence[float]) -> Tensor:
        """How many pixels suffice for one of each layer, along a side.

        Parameters
        ----------
        z_um : sequence of float
            Of the planes that tell of the layers, or that show them, µm.

        Returns
        -------
        Tensor
            (L,) int64: 1, 2, 4 or 8.
        """
        at = torch.tensor(z_um, dtype=torch.float64)
        away_um = (at[:, None] - self.depths_um).abs().amin(0)
        far = away_um * self._blur_px_per_um / _FAR_PX
        return 2 ** far.clamp(1, _TIMES[-1]).log2().long()

    def transfer(self, z_um: float, which: Tensor | slice = slice(None)) -> Tensor:
        """OTFs of layers in a plane.

        Parameters
        ----------
        z_um : float
            Of the plane, µm.
        which : Tensor or slice
            The layers.

        Returns
        -------
        Tensor
            (n, H, 2 W') float32, every value twice.
        """
        dz = z_um - self.depths_um[which]
        return self._spread(self._lines.at(dz * self.stack.z_scale))

    def _of_grid(self, z_um: float, which: Tensor, times: int) -> Tensor | list[Tensor]:
        """OTFs of layers in a plane of the z grid, at low frequencies."""
        step = self.stack.step_um
        if step == 0 or self._lattice_bytes(step) > _KEPT_BYTES:
            return self._cut(self.transfer(z_um, which), times)
        if not self._lattices:
            n = self._lattice_steps(step)
            first = 0 if self._even else -n
            dz = torch.arange(first, n + 1, dtype=torch.float64) * step
            made = self._spread(self._lines.at(dz * self.stack.z_scale))
            self._lattices = {t: self._cut(made, t) for t in _TIMES}
        away = (z_um - self.depths_um[which]) / step
        places = away.abs() if self._even else away + self._lattice_steps(step)
        here = places.round().long().to(self.device)
        lattice = self._lattices[times]
        if times == 1:  # large: not to be copied
            return [lattice[i] for i in here.tolist()]
        return lattice.index_select(0, here)

    def _cut(self, spectra: Tensor, times: int) -> Tensor:
        return spectra if times == 1 else low(spectra, self.shape, times)

    @property
    def _even(self) -> bool:
        return self._lines.optics.even_in_focus

    def _lattice_steps(self, step_um: float) -> int:
        """Steps of the lattice to one side."""
        return round(self.stack.reach_um / self.stack.z_scale / step_um)

    def _lattice_bytes(self, step_um: float) -> float:
        sides = 1 if self._even else 2
        return 4.0 * self.values * sides * self._lattice_steps(step_um)

    def _spread(self, lines: Tensor) -> Tensor:
        lines = lines.to(self.device)
        below = lines.index_select(1, self._node)
        above = lines.index_select(1, self._node + 1)
        rows: Tensor = torch.lerp(below, above, self._part)
        return rows.reshape(len(lines), self.shape[0], -1)

    def project(self, light: Tensor, blur: Blur) -> Tensor:
        """Planes that the layers give.

        Parameters
        ----------
        light : Tensor
            (L, H, W) of the layers.
        blur : Blur
            For M planes.

        Returns
        -------
        Tensor
            (M, H, W), border included.
        """
        total = torch.zeros(len(blur), self.shape[0], self.values // self.shape[0])
        total = total.to(self.device)
        for part in pieces(light):
            blur.add(total, forward(light[part]), part)
        return backward(total, self.shape)

    def render(self, light: Tensor, z_um: Tensor) -> Tensor:
        """Planes at many z, those of an even grid from a table.

        Parameters
        ----------
        light : Tensor
            (L, H, W) of the layers.
        z_um : Tensor
            (n,) µm.

        Returns
        -------
        Tensor
            (n, H, W), border included.
        """
        spectra = torch.cat([forward(light[part]) for part in pieces(light)])
        cut = {times: self._cut(spectra, times) for times in _TIMES}
        made = torch.empty(len(z_um), *self.shape, device=self.device)
        for i, z in enumerate(z_um.tolist()):
            total = torch.zeros_like(spectra[:1])
            # what is far shows nothing finer than its blur
            needed = self.times([z])
            for times in _TIMES:
                which = (needed == times).nonzero()[:, 0]
                if len(which) == 0:
                    continue
                rows = self._of_grid(z, which, times)
                if times == 1:
                    for row, layer in zip(rows, which.tolist(), strict=True):
                        total[0].addcmul_(row, spectra[layer])
                    continue
                assert isinstance(rows, Tensor)
                chosen = cut[times].index_select(0, which.to(self.device))
                add_low(total, (rows * chosen).sum(0)[None], self.shape, times)
            made[i] = backward(total, self.shape)[0]
        return made
