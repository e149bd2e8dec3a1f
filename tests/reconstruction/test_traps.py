"""Ways to a small change that say nothing: the paper's rule falls for them.

On small simulated specimens, with noise; guarded scans take all planes that they may
instead, or go on until they are right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scan_fakes import plane
from small_scope import AIR, CAMERA, Z_UM, rms, stacks

from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.scanning import Scan, ScanPlan
from rmz_acquire.simulation.specimens import make_specimen
from rmz_acquire.simulation.widefield import WideField

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmz_acquire.scanning import Observation, Outcome

MOST = 10
DARK, UNIT = CAMERA.expected(np.array([0, 1], np.float32), 10.0)


def nuclei() -> np.ndarray:
    return (stacks("nuclei")[0] - DARK) / (UNIT - DARK)


def layer(z_um: float, seed: int) -> np.ndarray:
    """Beads in one layer, out of focus at nearly every z."""
    made = make_specimen("beads", seed, extent_um=(0.4, 60, 60), per_1000_um3=30.0)
    scope = WideField(
        made, AIR, shape=(64, 60), z_range_um=(-2, 2), layer_um=0.5, margin_px=40
    )
    light = scope.stack(list(Z_UM - z_um))
    return light / np.percentile(light, 99.9)


class These:
    """Asks for these z, and then for the last again and again."""

    def __init__(self, *z_um: float) -> None:
        self._z_um = z_um

    def next_z(self, taken: Sequence[Observation]) -> float:
        return self._z_um[min(len(taken), len(self._z_um) - 1)]


Shot = tuple[float, float]


def scanned(
    light: np.ndarray,
    rule: str,
    shot: Callable[[float, int], Shot] = lambda z_um, _: (z_um, 1.0),
    policy: These | None = None,
    **options: object,
) -> tuple[Outcome, float]:
    """Scan; where a plane is really taken and the lamp's light are told by `shot`."""
    plan = ScanPlan.from_grid(Z_UM, stop_rule=rule, max_planes=MOST, **options)
    estimator = make_estimator("wiener", Z_UM, AIR)
    scan = Scan(plan, estimator, policy=policy)
    rng = np.random.default_rng(3)
    while (z_um := scan.next_z()) is not None:
        number = scan.planes_taken
        at, lamp = shot(z_um, number)
        here = light[[int(np.abs(Z_UM - at).argmin())]] * np.float32(lamp)
        image = CAMERA.expose(here, 10.0, rng)[0]
        scan.observe(plane(image, at, requested=z_um, index=number))
    truth = light * (UNIT - DARK) + DARK
    error = rms(estimator.volume - truth) / max(float(truth.std()), 1e-9)
    return scan.outcome, error


def unmet(outcome: Outcome) -> set[str]:
    return {term.name for term in outcome.terms if not term.met}


def test_where_nothing_is_wrong_both_stop() -> None:
    for rule in ("paper", "guarded"):
        outcome, error = scanned(nuclei(), rule)
        assert outcome.status == "converged" and error < 0.2


def test_a_plane_taken_again_and_again() -> None:
    again = These(0.0)
    assert scanned(nuclei(), "paper", policy=again)[0].status == "converged"
    outcome, _ = scanned(nuclei(), "guarded", policy=again)
    assert outcome.status == "max_planes"
    assert "distance to the nearest plane, µm" in unmet(outcome)


def test_a_stage_that_is_stuck() -> None:
    def stuck(z_um: float, number: int) -> Shot:
        return (z_um if number < 2 else -2.0), 1.0

    outcome, error = scanned(nuclei(), "paper", stuck)
    assert outcome.status == "converged" and error > 0.3
    outcome, _ = scanned(nuclei(), "guarded", stuck)
    assert outcome.status == "max_planes"
    assert "largest gap, µm" in unmet(outcome)


def test_a_blank_frame() -> None:
    def blank(z_um: float, number: int) -> Shot:
        return z_um, float(number != 4)

    outcome, error = scanned(nuclei(), "paper", blank)
    assert outcome.status == "converged" and error > 0.3
    # it is part of the volume: planes after it do not make that right
    outcome, _ = scanned(nuclei(), "guarded", blank, epsilon=0.3)
    assert outcome.status == "max_planes" and "frame" in unmet(outcome)


def test_a_lamp_that_dies_half_way() -> None:
    def dies(z_um: float, number: int) -> Shot:
        return z_um, float(number < 3)

    # dark frame after dark frame changes little
    outcome, error = scanned(nuclei(), "paper", dies, epsilon=0.2)
    assert outcome.status == "converged" and error > 0.5
    outcome, _ = scanned(nuclei(), "guarded", dies, epsilon=0.2)
    assert outcome.status == "max_planes" and "frame" in unmet(outcome)


@pytest.mark.slow
def test_a_gap_that_nobody_looked_into() -> None:
    low = These(*Z_UM[:MOST])
    options = {"policy": low, "epsilon": 0.2}
    outcome, error = scanned(nuclei(), "paper", **options)
    assert outcome.status == "converged" and error > 0.5
    outcome, _ = scanned(nuclei(), "guarded", audit=0, **options)
    assert outcome.status == "max_planes"
    assert unmet(outcome) == {"largest gap, µm"}
    # chance looks into it
    outcome, error = scanned(nuclei(), "guarded", **options)
    assert error < 0.3


def test_an_empty_field() -> None:
    outcome, _ = scanned(np.zeros_like(nuclei()), "paper")
    assert outcome.status == "converged"
    outcome, _ = scanned(np.zeros_like(nuclei()), "guarded")
    assert outcome.status == "max_planes" and "frame" in unmet(outcome)


@pytest.mark.slow
@pytest.mark.parametrize("dim", [0.0, 0.08])
def test_a_single_layer_and_a_dim_one_beside_it(dim: float) -> None:
    light = layer(3.0, 7) + np.float32(dim) * layer(-4.5, 9)
    outcome, error = scanned(light, "paper", epsilon=0.1)
    assert outcome.status == "converged" and error > 0.7
    outcome, error = scanned(light, "guarded", epsilon=0.1)
    assert outcome.status == "max_planes" or error < 0.2
    assert "audit innovation" in unmet(outcome) or error < 0.2
