"""Deep-Z and the 3D U-Net: trained, released with a card, behind the Protocol."""

from __future__ import annotations

import numpy as np
import pytest

from rmz_acquire.errors import InputError
from rmz_acquire.models import load_model
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.scanning import Estimator
from rmz_acquire.training import fit, release

NETWORKS = {
    "deep-z": {"network": {"kind": "deep-z", "levels": 2, "base_channels": 2}},
    "unet3d": {
        "network": {
            "kind": "unet3d",
            "planes": 2,
            "slab": 4,
            "levels": 2,
            "base_channels": 2,
        },
        "planes": [2, 2],
        "targets": 4,
    },
}


@pytest.fixture(params=["deep-z", pytest.param("unet3d", marks=pytest.mark.slow)])
def released(request, make, tmp_path):
    config = make(**NETWORKS[request.param])
    module = fit(config, tmp_path / "run", workers=0)
    return release(config, module.average.module, tmp_path / request.param)


def test_it_is_an_estimator_with_a_card(released, tmp_path, rng):
    name = released.card.network.kind
    assert load_model(tmp_path / name).card == released.card
    assert name in next(iter(released.card.scores["beads"].values()))
    z = np.arange(7.0)
    estimator = make_estimator(name, z, released.card.optics, model=released)
    assert isinstance(estimator, Estimator)
    assert estimator.describe()["model"] == "tiny"
    for i in (1, 5, 3):
        given = rng.uniform(100, 900, (33, 40))
        estimate = estimator.add(given, float(i))
        assert estimate.volume.shape == (7, 33, 40)
        assert np.isfinite(estimate.volume).all()
    assert estimate.delta_relative is not None
    with pytest.raises(InputError, match="not a recurrent-mz one"):
        make_estimator("recurrent-mz", z, released.card.optics, model=released)


@pytest.mark.slow
def test_deep_z_makes_each_plane_of_the_nearest_one(make, tmp_path, rng):
    config = make(**NETWORKS["deep-z"])
    module = fit(config, tmp_path / "run", workers=0)
    model = release(config, module.average.module, tmp_path / "m")
    planes = rng.uniform(100, 900, (2, 32, 32)).astype(np.float32)
    planes[1, 0, 0] = planes.max() + 1

    def volume(order):
        estimator = make_estimator(
            "deep-z", np.arange(7.0), model.card.optics, model=model
        )
        for i in order:
            estimator.add(planes[i], [1.0, 5.0][i])
        return estimator.volume

    assert np.allclose(volume([0, 1])[:3], volume([1, 0])[:3])
    assert not np.allclose(volume([0, 1])[0], volume([1])[0])
