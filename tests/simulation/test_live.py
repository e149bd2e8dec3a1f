"""The quick renderer gives the picture of the plain one."""

from __future__ import annotations

import numpy as np
import pytest

from rmz_acquire.optics import Optics
from rmz_acquire.simulation.live import LiveField
from rmz_acquire.simulation.specimens import make_specimen
from rmz_acquire.simulation.widefield import WideField


@pytest.mark.parametrize(
    ("na", "index", "sample", "pixel_um"),
    [
        (0.75, 1.0, None, 0.325),
        (1.4, 1.515, None, 0.103),
        (1.4, 1.515, 1.33, 0.103),
        (0.3, 1.0, None, 0.65),
    ],
)
def test_it_equals_the_plain_renderer(na, index, sample, pixel_um):
    optics = Optics(
        na=na,
        immersion_index=index,
        wavelength_um=0.52,
        pixel_size_um=pixel_um,
        sample_index=sample,
    )
    body = make_specimen("nuclei", 3, extent_um=(12, 60, 60))
    options = {
        "shape": (40, 48),
        "z_range_um": (-6, 6),
        "layer_um": 0.5,
        "margin_px": 16,
        "centre_um": (1.0, -2.0),
    }
    plain = WideField(body, optics, **options)
    quick = LiveField(body, optics, **options)
    for z_um in (-9.0, 0.0, 4.2):
        expected = plain.image(z_um)
        np.testing.assert_allclose(
            quick.image(z_um), expected, atol=1e-3 * expected.max()
        )
    steps = [-1.0, 0.0, 1.0]
    np.testing.assert_allclose(
        quick.stack(steps),
        [quick.image(z) for z in steps],
        atol=1e-3 * expected.max(),
    )
