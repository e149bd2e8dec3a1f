from __future__ import annotations

import numpy as np
import pytest

from rmz_acquire.reconstruction import LinearEstimator, NearestEstimator

Z_UM = np.array([-3.0, -1.4, -1.0, 0.2, 0.9, 2.5, 4.0])
TAKEN = [0.3, -2.1, 5.5, -1.0, 2.2]  # in no order, one beyond the grid, one on it


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5])
def test_linear_is_numpys_interpolation_of_every_pixel(
    rng: np.random.Generator, m: int
) -> None:
    planes = rng.uniform(100, 900, (m, 6, 5)).astype(np.float32)
    estimator = LinearEstimator(Z_UM)
    for plane, z in zip(planes, TAKEN[:m], strict=True):
        volume = estimator.add(plane, z).volume
    order = np.argsort(TAKEN[:m])
    expected = np.empty((7, 6, 5))
    for row in range(6):
        for column in range(5):
            expected[:, row, column] = np.interp(
                Z_UM, np.array(TAKEN[:m])[order], planes[order, row, column]
            )
    assert volume.dtype == np.float32
    np.testing.assert_allclose(volume, expected, rtol=1e-5)


def test_linear_takes_the_mean_of_planes_at_one_place(rng: np.random.Generator) -> None:
    planes = rng.uniform(0, 1, (4, 3, 3)).astype(np.float32)
    estimator = LinearEstimator(Z_UM)
    for plane, z in zip(planes, [1.0, -2.0, 1.0, 1.0], strict=True):
        volume = estimator.add(plane, z).volume
    both = np.stack([planes[1], planes[[0, 2, 3]].mean(0)])
    weight = np.clip((Z_UM + 2) / 3, 0, 1)[:, None, None]
    np.testing.assert_allclose(
        volume, both[0] * (1 - weight) + both[1] * weight, atol=1e-6
    )


@pytest.mark.parametrize("m", [1, 2, 5])
def test_nearest_is_the_nearest_plane(rng: np.random.Generator, m: int) -> None:
    planes = rng.uniform(100, 900, (m, 4, 4)).astype(np.float32)
    estimator = NearestEstimator(Z_UM)
    for plane, z in zip(planes, TAKEN[:m], strict=True):
        volume = estimator.add(plane, z).volume
    for z, found in zip(Z_UM, volume, strict=True):
        distance = [abs(z - taken) for taken in TAKEN[:m]]
        np.testing.assert_array_equal(found, planes[distance.index(min(distance))])
