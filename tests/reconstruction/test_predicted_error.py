"""The predicted error of every plane against the truth of simulated specimens."""

from __future__ import annotations

import numpy as np
import pytest
from scan_fakes import plane

from rmz_acquire.evaluation.specimen_families import simulate_family
from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.scanning import Scan, ScanPlan
from rmz_acquire.scanning.output_planes import OutputPlanes

OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
Z_UM = tuple(np.arange(-5, 5.1, 0.5).tolist())


@pytest.fixture(scope="module")
def stacks():
    how = {"side_px": 40, "exposure_ms": 300.0}
    names = ("filaments", "beads")
    return [simulate_family(name, 5, OPTICS, Z_UM, **how) for name in names]


@pytest.mark.parametrize("name", ["wiener", "linear"])
def test_most_inferred_planes_are_as_wrong_as_predicted(name, stacks) -> None:
    ratios = []
    for stack in stacks:
        plan = ScanPlan(z_um=Z_UM, max_planes=8, stop_rule="paper", epsilon=1e-9)
        scan = Scan(plan, make_estimator(name, np.array(Z_UM), OPTICS))
        while (z := scan.next_z()) is not None:
            scan.observe(plane(stack.counts[Z_UM.index(z)], z))
        known = OutputPlanes.of(Z_UM, scan.observed)
        inferred = ~np.array(known.measured)
        assert inferred.sum() == len(Z_UM) - 8
        dark = np.percentile(scan.estimator.planes, 1)
        light = np.sqrt(np.mean((stack.truth - dark) ** 2, axis=(1, 2)))
        error = np.sqrt(np.mean((scan.volume - stack.truth) ** 2, axis=(1, 2)))
        ratios.append((np.array(known.predicted_error) * light / error)[inferred])
    ratio = np.concatenate(ratios)
    assert np.mean((ratio > 1 / 2) & (ratio < 2)) > 0.8
    assert 0.7 < np.median(ratio) < 1.5
