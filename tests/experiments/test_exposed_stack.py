"""The full stack as a yardstick, against one that is really exposed."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from rmz_acquire.evaluation import planes_not_taken, score
from rmz_acquire.experiments.exposed_stack import score_exposed_stack
from rmz_acquire.optics import Optics
from rmz_acquire.scanning import Plane
from rmz_acquire.simulation import simulate_stack

OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)


def plane_at(image, z_um):
    return Plane(image, z_um, z_um, None, None, None, datetime.now(UTC))


@pytest.mark.parametrize("exposure_ms", [2, 100])
def test_it_is_as_good_as_a_stack_that_is_exposed(exposure_ms):
    """Nuclei, where photon transfer alone tells half of the noise."""
    made = simulate_stack(
        "nuclei",
        3,
        OPTICS,
        planes=9,
        z_step_um=2.0,
        shape=(64, 64),
        exposure_ms=exposure_ms,
    )
    z_um = made.z_um.tolist()
    planes = [plane_at(made.counts[i], z_um[i]) for i in (1, 4, 7)]
    unseen = planes_not_taken(z_um, [plane.z_um for plane in planes])
    real = score(made.truth, made.counts, unseen)
    told = score_exposed_stack(made.truth, planes, z_um, unseen)
    assert told["nrmse"] == pytest.approx(real.nrmse, rel=0.1)
    assert told["psnr_db"] == pytest.approx(real.psnr_db, abs=0.8)
    assert told["planes"] == 9 and told["ssim"] is None
    # what has noise is no truth, and what has another scale is none of these planes
    noisy = np.asarray(made.counts, dtype=np.float32)
    other = noisy[::-1].copy()
    for truth in (noisy, other, made.truth * 3):
        assert score_exposed_stack(truth, planes, z_um, unseen) is None
    off = [plane_at(plane.image, plane.z_um + 0.5) for plane in planes]
    assert score_exposed_stack(made.truth, off, z_um, unseen) is None
