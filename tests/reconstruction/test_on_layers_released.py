"""The released network on richardson-lucy: small, and never much below its prior."""

from __future__ import annotations

import numpy as np
import pytest
from small_scope import AIR, Z_UM, rms, stacks

from rmz_acquire.models import list_models, load_model, read_card
from rmz_acquire.networks import OnLayers
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.reconstruction.layers_estimator import OnLayersEstimator
from rmz_acquire.resources import resource_dir

ORDER = [12, 2, 22, 7, 17]


def test_it_is_small_and_for_any_objective() -> None:
    assert "on-layers" in list_models()
    weights = resource_dir("models") / "on-layers" / "model.safetensors"
    assert weights.stat().st_size < 100_000
    card = read_card("on-layers")
    assert card.network.prior == "richardson-lucy"
    assert card.check(AIR, Z_UM) == []
    assert "unknown" not in (card.budget.steps, card.budget.specimens)


@pytest.mark.parametrize("specimen", ["beads", "nuclei"])
def test_it_begins_as_its_prior_and_stays_near_or_above(specimen: str) -> None:
    truth, counts = stacks(specimen, seed=31)
    model = load_model("on-layers")
    assert isinstance(model.network, OnLayers)
    ours = make_estimator("recurrent-mz", Z_UM, AIR, model=model)
    assert isinstance(ours, OnLayersEstimator)
    theirs = ours._prior
    for m, i in enumerate(ORDER, 1):
        made = ours.add(counts[i], Z_UM[i]).volume
        prior = theirs.volume
        if m <= 3:  # no plane between others was predicted yet
            assert ours.share == 0
            np.testing.assert_allclose(made, prior, atol=1e-3)
    assert prior is not None
    rest = [i for i in range(len(Z_UM)) if i not in ORDER]
    gain = 20 * np.log10(rms((prior - truth)[rest]) / rms((made - truth)[rest]))
    assert gain > -0.1, ours.share
