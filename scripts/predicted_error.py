"""How near the predicted error of every plane is to the true one: predicted_error.py.

``predicted_error.py SEED NUMBER [ESTIMATOR...]``: scans so many simulated specimens of
each family, from a seed on, and prints for which share of the inferred planes the two
are within a factor of 1.5, and of 2; the formula was chosen on seeds 900 and 901.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from datetime import UTC, datetime

import numpy as np

from rmz_acquire.evaluation.specimen_families import FAMILIES, simulate_family
from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.scanning import Plane, Scan, ScanPlan
from rmz_acquire.scanning.output_planes import OutputPlanes

OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
Z_UM = tuple(((np.arange(31) - 15) * 0.5).tolist())
MOST = 14
PARTS = ((3, 4), (5, 7), (8, 14))


def ratios(name: str, family: str, seed: int) -> dict[int, np.ndarray]:
    """Predicted over true error of the inferred planes, by planes taken."""
    stack = simulate_family(family, seed, OPTICS, Z_UM, side_px=64, exposure_ms=300.0)
    scan = Scan(
        ScanPlan.from_grid(Z_UM, max_planes=MOST, epsilon=1e-9),
        make_estimator(name, np.array(Z_UM), OPTICS),
    )
    found = {}
    now = datetime.now(UTC)
    while (z := scan.next_z()) is not None:
        scan.observe(Plane(stack.counts[Z_UM.index(z)], z, z, None, None, None, now))
        known = OutputPlanes.of(Z_UM, scan.observed)
        if scan.volume is None or known.predicted_error is None:
            continue
        dark = np.percentile(scan.estimator.planes, 1)
        light = np.sqrt(np.mean((stack.truth - dark) ** 2, axis=(1, 2)))
        error = np.sqrt(np.mean((scan.volume - stack.truth) ** 2, axis=(1, 2)))
        ratio = np.array(known.predicted_error) * light / error
        found[scan.planes_taken] = ratio[~np.array(known.measured)]
    return found


def main(first: int, number: int, names: list[str]) -> None:
    """Print a line for each estimator."""
    for name in names:
        by_planes = defaultdict(list)
        for seed in range(first, first + number):
            for family in FAMILIES:
                for m, found in ratios(name, family, seed).items():
                    by_planes[m].append(found)
        said = []
        for low, high in PARTS:
            parts = [x for m in range(low, high + 1) for x in by_planes[m]]
            log = np.abs(np.log(np.concatenate(parts)))
            near, far = (np.mean(log < np.log(factor)) for factor in (1.5, 2.0))
            said.append(f"{low} to {high} planes {near:.0%} and {far:.0%}")
        print(f"{name}: within 1.5 and 2 with {', '.join(said)}", flush=True)


if __name__ == "__main__":
    main(
        int(sys.argv[1]),
        int(sys.argv[2]),
        sys.argv[3:] or ["richardson-lucy", "wiener", "linear"],
    )
