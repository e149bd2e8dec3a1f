"""Kinds of simulated specimens on which a stop rule is calibrated and tried."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.evaluation.held_out import HeldOut, simulate

if TYPE_CHECKING:
    from rmz_acquire.optics import Optics

__all__ = ["EMPTY", "FAMILIES", "Family", "grid_of", "own_seed", "simulate_family"]


class Family(NamedTuple):
    """A specimen that `make_specimen` knows, and its options."""

    specimen: str
    options: dict[str, Any]


FAMILIES: dict[str, Family] = {
    "beads": Family("beads", {"per_1000_um3": 5.0}),
    "sparse beads": Family("beads", {"per_1000_um3": 1.5}),
    "one layer": Family("beads", {"per_1000_um3": 60.0, "layer_um": 1.0}),
    "filaments": Family("filaments", {}),
    "dense filaments": Family("filaments", {"per_1000_um3": 2.0}),
    "nuclei": Family("nuclei", {}),
    "small nuclei": Family("nuclei", {"radius_um": (0.4, 0.9), "haze": 0.3}),
    "large nuclei": Family("nuclei", {"radius_um": (2.2, 4.0)}),
}
"""From points to what fills several planes: sparse, crowded, thin, thick."""

EMPTY = "empty"
"""A field with nothing in it: there is no error that could be promised."""


def grid_of(planes: int, step_um: float) -> tuple[float, ...]:
    """Give an even grid around the middle of a specimen, µm."""
    return tuple(float(z) for z in (np.arange(planes) - (planes - 1) / 2) * step_um)


def own_seed(family: str, seed: int) -> int:
    """Give the seed of a family's specimen.

    Families share generators: of one seed, nuclei would lie at the same places in three
    of them, and those that are calibrated on must be independent.
    """
    own = np.random.SeedSequence([seed, zlib.crc32(family.encode())])
    return int(own.generate_state(1)[0])


def simulate_family(
    family: str,
    seed: int,
    optics: Optics,
    z_um: tuple[float, ...],
    *,
    side_px: int,
    exposure_ms: float,
) -> HeldOut:
    """Take a dense stack of one specimen of a family.

    Parameters
    ----------
    family : str
        A key of `FAMILIES`, or `EMPTY`.
    seed, optics, side_px, exposure_ms
        As of `simulate`.
    z_um : tuple of float
        (Z,) evenly spaced, µm.

    Raises
    ------
    InputError
        For a family that does not exist.
    """
    known = {**FAMILIES, EMPTY: Family("beads", {"per_1000_um3": 0.0})}
    if family not in known:
        msg = f"no family {family!r}: choose from {', '.join(known)}"
        raise InputError(msg)
    kind = known[family]
    return simulate(
        kind.specimen,
        own_seed(family, seed),
        optics,
        np.asarray(z_um),
        side_px=side_px,
        exposure_ms=exposure_ms,
        options=kind.options,
    )
