"""One benchmark from its first look at the machine to all that it found."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from rmz_acquire.benchmark.decision_times import (
    Views,
    loop_overhead,
    plan_of,
    time_decisions,
    time_once,
)
from rmz_acquire.benchmark.machine import Clock, device_name, devices, measure_rates
from rmz_acquire.benchmark.speed_table import PAPER_S, Measured
from rmz_acquire.methods import AUTO, METHODS
from rmz_acquire.models import load_model, suitable_model
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.reconstruction.memory_plan import WHOLE_PX
from rmz_acquire.reconstruction.region_factory import make_region_estimator
from rmz_acquire.reconstruction.torch_device import check_device, device_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmz_acquire.models import LoadedModel
    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import Estimator

__all__ = ["Asked", "measure"]

_PAPER = tuple(dict.fromkeys((max(4, z), px) for z, px, _ in PAPER_S))
"""The paper's volumes: no estimator makes one plane, nor can three be taken of two."""
_ON_CPU = {"wiener", "linear", "nearest"}
"""Whatever device is asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to measure.

    Parameters
    ----------
    estimators : tuple of str
        Names of ours, or of somebody else's.
    sides_px : tuple of int
        Heights and widths.
    output_planes : int
        Of the grid.
    z_step_um : float
        Of the grid, µm.
    optics : Optics
        The microscope.
    taken : int
        Planes, one by one.
    repeats : int
        Of everything.
    model : str or None
        Of networks; by default the one that fits.
    device : str or None
        By default the CPU, then each GPU.
    paper : bool
        Whether the paper's two volumes are measured too.
    """

    estimators: tuple[str, ...]
    sides_px: tuple[int, ...]
    output_planes: int
    z_step_um: float
    optics: Optics
    taken: int
    repeats: int = 3
    model: str | None = None
    device: str | None = None
    paper: bool = False

    def z_um(self, planes: int) -> list[float]:
        """The grid, around 0, µm."""
        return [self.z_step_um * (i - (planes - 1) / 2) for i in range(planes)]


def measure(
    asked: Asked,
    clock: Clock,
    idle_share: float,
    *,
    other: Callable[[str, Sequence[float], Optics], Estimator] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Measured:
    """Measure it all.

    Parameters
    ----------
    asked : Asked
        What.
    clock : Clock
        What seconds are counted by.
    idle_share : float
        To be told with it.
    other : callable, optional
        Makes an estimator that is none of ours: of its name, the grid and the optics.
    say : callable
        Is told what comes next.

    Returns
    -------
    Measured

    Raises
    ------
    InputError
        For a device that is not there.
    """
    where = devices()
    if asked.device is not None:
        check_device(asked.device)
        where = [str(device_of(asked.device))]
    rates = {device: measure_rates(clock, device) for device in where}
    named = {device: device_name(device) for device in where}
    found = Measured(clock, idle_share, named, rates, asked.repeats)
    z_um = asked.z_um(asked.output_planes)
    views = Views(z_um, asked.optics)
    for side in asked.sides_px:
        say(f"the loop alone, {side}²")
        found.loop_s[side] = loop_overhead(views, z_um, side, asked.taken, clock)

    for side in asked.sides_px:
        for name, device in _pairs(asked.estimators, where):
            say(f"{name} {asked.output_planes} × {side}² on {device}")
            make, plain = _makers(asked, name, z_um, device, other)
            if side**2 > WHOLE_PX and name in METHODS and device == "cpu":
                make, plain = _on_regions(asked, name, z_um, side), None
            found.times.append(
                time_decisions(
                    name,
                    make,
                    views,
                    side,
                    asked.taken,
                    repeats=asked.repeats,
                    clock=clock,
                    device=device,
                    rates=rates[device],
                    plain=plain,
                )
            )
    for planes, side in _PAPER if asked.paper else ():
        z_um = asked.z_um(planes)
        views = Views(z_um, asked.optics)
        most = max(m for _, px, m in PAPER_S if px == side)
        for name, device in _pairs(asked.estimators, where):
            say(f"{name} {planes} × {side}² on {device}")
            make, _ = _makers(asked, name, z_um, device, other)
            found.paper.append(
                time_once(
                    name,
                    make,
                    views,
                    side,
                    most,
                    clock=clock,
                    device=device,
                )
            )
    return found


def _pairs(names: Sequence[str], where: list[str]) -> list[tuple[str, str]]:
    """Which runs where: those that only know the CPU, there, once."""
    return [
        (name, device)
        for name in names
        for device in (where[:1] if name in _ON_CPU else where)
    ]


def _makers(
    asked: Asked,
    name: str,
    z_um: Sequence[float],
    device: str,
    other: Callable[[str, Sequence[float], Optics], Estimator] | None,
) -> tuple[Callable[[], Estimator], Callable[[], Estimator] | None]:
    """What makes a fresh estimator, and the same network without what speeds it up."""
    if name not in METHODS:
        assert other is not None
        return partial(other, name, z_um, asked.optics), None
    made = partial(make_estimator, name, z_um, asked.optics, device=device)
    if not METHODS[name].model:
        return made, None
    model = load_model(asked.model or suitable_model(asked.optics, z_um))
    return partial(made, model=model), partial(made, model=_plain(model))


def _on_regions(
    asked: Asked, name: str, z_um: Sequence[float], side_px: int
) -> Callable[[], Estimator]:
    """What makes the estimator with which a scan decides on large pictures."""
    if name == AUTO:
        name = "richardson-lucy"  # scans decide on regions without the network

    model = None
    if METHODS[name].model:
        model = load_model(asked.model or suitable_model(asked.optics, z_um))
    return partial(
        make_region_estimator,
        name,
        partial(make_estimator, name, model=model, device="cpu"),
        np.array(z_um),
        (side_px, side_px),
        asked.optics,
        gap_um=plan_of(z_um, asked.taken).gap_limit_um,
    )


def _plain(model: LoadedModel) -> LoadedModel:
    """The network in float32, in the memory layout that torch has by itself."""
    network = copy.deepcopy(model.network).float()
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return type(model)(model.card, network, model.sha256)
