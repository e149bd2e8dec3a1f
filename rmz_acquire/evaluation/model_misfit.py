"""How well the planes of microscopes that are not what they are told to be are told.

Scans of specimens under true optics give the limits of `scanning.model_fit`;
fresh ones tell how often these give a false alarm, and cases that no such optics give
tell how often they are passed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from rmz_acquire.evaluation.scan_traces import trace_scan
from rmz_acquire.evaluation.specimen_families import FAMILIES, grid_of, own_seed
from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.scanning import ScanPlan
from rmz_acquire.scanning.model_fit import JUDGED, FitLimit
from rmz_acquire.simulation.shapes import PointSpecimen, VoxelSpecimen
from rmz_acquire.simulation.specimens import make_specimen
from rmz_acquire.simulation.widefield import CameraModel, WideField

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.simulation.specimens import Specimen

__all__ = ["CASES", "FITTING", "Case", "Found", "alarms", "limits_of", "look"]

PLANES, SIDE_PX, EXPOSURE_MS = 25, 64, 300.0
"""Of a stack, and of its pictures."""
_MARGIN_PX = 96
_SECTION_UM = 0.7
"""Half of the thickness, at 1/e, of an optical section."""

AIR = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
WEAK = Optics(na=0.5, immersion_index=1.0, wavelength_um=0.6, pixel_size_um=0.5)
WATER = Optics(na=1.0, immersion_index=1.33, wavelength_um=0.52, pixel_size_um=0.25)
ABERRATED = AIR.model_copy(update={"spherical_waves": 0.25})


class Case(NamedTuple):
    """A microscope, and what is told of it.

    Attributes
    ----------
    told : mapping
        Keys of `Optics` that are told otherwise than they are.
    optics : Optics
        What it is.
    exposure_ms : float
        Of every plane.
    spoil : callable, optional
        What becomes of the counts, (Z, Y, X), with a generator.
    made_by : str
        "wide field", "sections" (each plane sees its own depth alone), "textures" (no
        plane has to do with another), "dark", "cloud" or "layer".
    """

    told: Mapping[str, float] = MappingProxyType({})
    optics: Optics = AIR
    exposure_ms: float = EXPOSURE_MS
    spoil: Callable[[NDArray[np.uint16]], NDArray[np.uint16]] | None = None
    made_by: str = "wide field"


FITTING = {
    "20x/0.75 air": Case(),
    "20x/0.75 air, dim": Case(exposure_ms=30.0),
    "10x/0.5 air": Case(optics=WEAK),
    "40x/1.0 water": Case(optics=WATER),
}
"""Those that the limits are for."""


def _clipped(counts: NDArray[np.uint16]) -> NDArray[np.uint16]:
    most = 100 + 0.2 * (float(counts.max()) - 100)
    return np.minimum(counts, np.uint16(most))


def _inverted(counts: NDArray[np.uint16]) -> NDArray[np.uint16]:
    return (int(counts.max()) + 100 - counts).astype(np.uint16)


def _tilted(counts: NDArray[np.uint16]) -> NDArray[np.uint16]:
    return np.stack([np.roll(p, n // 2, 1) for n, p in enumerate(counts)])


def _dimmed(counts: NDArray[np.uint16]) -> NDArray[np.uint16]:
    share = np.linspace(1.0, 0.5, len(counts))[:, None, None]
    return np.rint(100 + (counts - 100.0) * share).clip(0).astype(np.uint16)


CASES: dict[str, Case] = {
    "NA 0.4 entered for 0.75": Case({"na": 0.4}),
    "NA 0.6 entered for 0.75": Case({"na": 0.6}),
    "NA 0.95 entered for 0.75": Case({"na": 0.95}),
    "water, 1.33, entered for air": Case({"immersion_index": 1.33}),
    "oil, 1.515, entered for air": Case({"immersion_index": 1.515}),
    "pixel 0.65 µm entered for 0.325": Case({"pixel_size_um": 0.65}),
    "z upside down": Case(spoil=lambda counts: counts[::-1]),
    "z upside down, aberrated": Case(
        optics=ABERRATED, spoil=lambda counts: counts[::-1]
    ),
    "aberrated, and entered as such": Case(optics=ABERRATED),
    "optical sections (confocal)": Case(made_by="sections"),
    "planes that have nothing in common": Case(made_by="textures"),
    "transmitted light (dark on bright)": Case(spoil=_inverted),
    "picture moves sideways with the focus": Case(spoil=_tilted),
    "half as bright at the far end": Case(spoil=_dimmed),
    "saturated at a fifth": Case(spoil=_clipped),
    "empty field": Case(made_by="dark"),
    "100 times less light": Case(exposure_ms=3.0),
    "another family: a cloud": Case(made_by="cloud"),
    "another family: one layer": Case(made_by="layer"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """The largest numbers of a scan, over the planes on which it is judged.

    Parameters
    ----------
    unexplained, over_interpolation : float
        As of `Misfit`; 0 where not told.
    """

    unexplained: float
    over_interpolation: float

    def alarms(self, limit: FitLimit) -> bool:
        """Whether one of them is above its limit."""
        return (
            self.unexplained > limit.unexplained
            or self.over_interpolation > limit.over_interpolation
        )


def look(
    case: Case, family: str, seed: int, estimators: Iterable[str]
) -> dict[str, Found]:
    """Scan a specimen, and keep the largest misfit.

    Parameters
    ----------
    case : Case
        The microscope.
    family : str
        A key of `FAMILIES`; a seed alone where the case makes something of its own.
    seed : int
        Of specimen and noise.
    estimators : iterable of str
        Keys of `LIMITS`.

    Returns
    -------
    dict of str to Found
        By estimator.
    """
    step_um = 0.5 * AIR.blur_radius_px_per_um / case.optics.blur_radius_px_per_um
    grid = grid_of(PLANES, step_um)
    counts = _counts(case, family, own_seed(family, seed), np.asarray(grid))
    told = case.optics.model_copy(update=case.told)
    least, most = JUDGED
    plan = ScanPlan.from_grid(grid, max_planes=most, epsilon=1e-9, stale_frames=0)
    found = {}
    for name in estimators:
        trace = trace_scan(
            counts,
            counts,
            plan,
            lambda z_um, name=name: make_estimator(name, z_um, told),  # type: ignore[misc]
            specimen=f"{family} {seed}",
            family=family,
        )
        told_of = [each.misfit for each in trace.taken[least - 1 :]]
        found[name] = Found(
            max([m.unexplained_part or 0.0 for m in told_of if m], default=0.0),
            max([m.over_interpolation or 0.0 for m in told_of if m], default=0.0),
        )
    return found


def limits_of(found: Sequence[Found], alpha: float) -> FitLimit:
    """Limits that a scan under true optics passes with probability alpha at most.

    Each number takes half of it: the k-th smallest of n, k = ceil((n + 1)(1 - α/2)), is
    passed by the next one with a probability of α/2 at most, whatever they are
    distributed like (split conformal prediction [1]_).

    Parameters
    ----------
    found : sequence of Found
        Of specimens that fit.
    alpha : float
        Share of false alarms.

    References
    ----------
    .. [1] Vovk, Gammerman and Shafer, *Algorithmic Learning in a Random World* (2005).
    """
    n = len(found)
    k = math.ceil((n + 1) * (1 - alpha / 2))
    if k > n:
        msg = f"{n} specimens are too few for a share of {alpha:g}"
        raise ValueError(msg)
    return FitLimit(
        *(
            sorted(getattr(each, name) for each in found)[k - 1]
            for name in ("unexplained", "over_interpolation")
        )
    )


def alarms(found: Sequence[Found], limit: FitLimit) -> int:
    """How many of them pass the limit."""
    return sum(each.alarms(limit) for each in found)


# ---- pictures ------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Section:
    """A specimen of which only one depth gives light."""

    whole: Specimen
    z_um: float
    extent_um: tuple[float, float, float]

    def layers(
        self,
        z_edges_um: ArrayLike,
        *,
        shape: tuple[int, int],
        pixel_size_um: float,
        centre_um: tuple[float, float] = (0.0, 0.0),
    ) -> NDArray[np.float32]:
        made = self.whole.layers(
            z_edges_um, shape=shape, pixel_size_um=pixel_size_um, centre_um=centre_um
        )
        edges = np.asarray(z_edges_um)
        away = ((edges[1:] + edges[:-1]) / 2 - self.z_um) / _SECTION_UM
        share: NDArray[np.float32] = np.exp(-(away**2)).astype(np.float32)
        return made * share[:, None, None]


def _counts(
    case: Case, family: str, seed: int, z_um: NDArray[np.float64]
) -> NDArray[np.uint16]:
    rng, camera = np.random.default_rng([seed, 7]), CameraModel()
    shape = (len(z_um), SIDE_PX, SIDE_PX)
    if case.made_by == "dark":
        light = np.zeros(shape, dtype=np.float32)
    elif case.made_by == "textures":
        grain = gaussian_filter(rng.normal(size=shape), (0, 3, 3))
        light = np.exp(grain / grain.std()).astype(np.float32) * 0.05
    else:
        light = _light(case, family, seed, z_um)
    counts = camera.expose(light, case.exposure_ms, rng)
    return counts if case.spoil is None else case.spoil(counts)


def _light(
    case: Case, family: str, seed: int, z_um: NDArray[np.float64]
) -> NDArray[np.float32]:
    optics = case.optics
    step, span = float(z_um[1] - z_um[0]), float(z_um[-1] - z_um[0])
    reach, width = span * 2 / 3, (SIDE_PX + 2 * _MARGIN_PX) * optics.pixel_size_um
    body = _body(case, family, seed, (2 * reach, width, width))
    layer = step / max(1, round(step / (0.37 * optics.depth_of_field_um)))
    half = layer * math.ceil(reach / layer)

    def stack(
        specimen: Specimen, ends_um: tuple[float, float], at: list[float]
    ) -> NDArray[np.float32]:
        return WideField(
            specimen,
            optics,
            shape=(SIDE_PX, SIDE_PX),
            z_range_um=ends_um,
            layer_um=layer,
            margin_px=_MARGIN_PX,
        ).stack(at)

    if case.made_by != "sections":
        return stack(body, (-half, half), z_um.tolist())
    beyond = 3 * _SECTION_UM
    made = [
        stack(_Section(body, z, body.extent_um), (z - beyond, z + beyond), [z])[0]
        for z in z_um.tolist()
    ]
    return np.stack(made)


def _body(
    case: Case, family: str, seed: int, extent_um: tuple[float, float, float]
) -> Specimen:
    rng = np.random.default_rng([seed, 8])
    if case.made_by == "cloud":
        fine = extent_um[2] / 128
        sides = [max(2, round(extent / fine)) for extent in extent_um]
        grain = gaussian_filter(rng.normal(size=sides), 4)
        bright = np.exp(1.5 * grain / grain.std()).astype(np.float32)
        voxels = tuple(e / n for e, n in zip(extent_um, sides, strict=True))
        return VoxelSpecimen(bright / bright.max(), (voxels[0], voxels[1], voxels[2]))
    if case.made_by == "layer":
        n = 400
        z = rng.normal(0, 0.2, n)
        y, x = (rng.uniform(-e / 2, e / 2, n) for e in extent_um[1:])
        return PointSpecimen(z, y, x, rng.lognormal(0, 0.3, n), extent_um)
    # described in µm under the objective of the stopping study
    unit = case.optics.pixel_size_um / AIR.pixel_size_um
    kind = FAMILIES[family]
    options = dict(kind.options)
    if "per_1000_um3" in options:
        options["per_1000_um3"] /= unit**3
    if "radius_um" in options:
        options["radius_um"] = tuple(unit * r for r in options["radius_um"])
    return make_specimen(kind.specimen, seed, extent_um=extent_um, **options)
