"""How far candidates are apart: at once as in tiles, and counted in the memory."""

from __future__ import annotations

import numpy as np

from rmz_acquire.reconstruction import LinearEstimator
from rmz_acquire.reconstruction.memory_plan import plan_volume
from rmz_acquire.reconstruction.spread import WithSpread, spread_of
from rmz_acquire.reconstruction.tiled import make_in_tiles

Z_UM = np.arange(5.0)
TAKEN = [0.0, 4.0]
SHAPE = (270, 256)
IMAGES = [
    np.random.default_rng(n).normal(100, 5, SHAPE).astype(np.float32) for n in range(2)
]


class Two(LinearEstimator):
    """With a candidate on either side, the farther the brighter the volume is."""

    def candidate_volumes(self):
        yield self.volume * 1.01
        yield self.volume * 0.93


def test_it_is_the_rms_distance_of_the_candidates_from_the_volume():
    estimator = Two(Z_UM)
    assert spread_of(estimator) is None  # no plane yet
    volume = estimator.add_all(IMAGES, TAKEN)
    np.testing.assert_allclose(spread_of(estimator), 0.05 * volume, rtol=1e-4)
    alone = LinearEstimator(Z_UM)
    alone.add(IMAGES[0], 0.0)
    assert spread_of(alone) is None


def test_it_is_made_with_the_volume_in_tiles_and_its_memory_is_planned(monkeypatch):
    plain = plan_volume(Two(Z_UM), SHAPE, 2, None, 2.0)
    more = plan_volume(WithSpread(Two(Z_UM)), SHAPE, 2, None, 2.0)
    assert more.tile_bytes >= plain.tile_bytes + 4 * 2 * len(Z_UM) * SHAPE[0] * SHAPE[1]
    limit = (0.6 * more.tile_bytes + more.held_bytes) / 1e9
    monkeypatch.setenv("RMZ_ACQUIRE_MEMORY_GB", str(limit))
    plan = plan_volume(WithSpread(Two(Z_UM)), SHAPE, 2, None, 2.0)
    assert plan.tiles > 1
    whole = Two(Z_UM)
    volume = whole.add_all(IMAGES, TAKEN)
    parts = list(make_in_tiles(lambda: WithSpread(Two(Z_UM)), IMAGES, TAKEN, plan))
    made = np.zeros((2 * len(Z_UM), *SHAPE), np.float32)
    for part in parts:
        made[:, *part.region.slices] = part.volume
    np.testing.assert_array_equal(made[: len(Z_UM)], volume)
    np.testing.assert_allclose(made[len(Z_UM) :], spread_of(whole), rtol=1e-5)
