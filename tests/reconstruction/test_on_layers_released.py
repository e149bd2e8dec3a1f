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


def test_the_default_is_it_where_it_fits_and_its_prior_elsewhere() -> None:
    made = make_estimator("auto", Z_UM, AIR)
    assert made.describe()["model"] == "on-layers"
    assert "largest_gap_um" not in made.describe()  # behind its gate it needs none
    low = AIR.model_copy(update={"na": 0.3})
    assert make_estimator("auto", Z_UM, low).name == "richardson-lucy"


def test_a_part_of_a_picture_takes_the_share_that_another_told() -> None:
    _, counts = stacks("beads", seed=31)
    at = [2, 12, 22]
    pilot, part, alone = (make_estimator("auto", Z_UM, AIR) for _ in range(3))
    assert isinstance(pilot, OnLayersEstimator) and isinstance(part, OnLayersEstimator)
    assert isinstance(alone, OnLayersEstimator)
    whole = pilot.add_all(counts[at], Z_UM[at])
    pilot._gate.see(counts[12], 0 * counts[12], counts[12])
    assert pilot.share > 0.5
    part.settle(pilot.learnt())
    made = part.add_all(counts[at], Z_UM[at])
    assert part.share == pilot.share
    assert part._made is not None and part._prior.volume is not None
    mixed = part._prior.volume + part.share * (part._made - part._prior.volume)
    np.testing.assert_allclose(made, mixed, rtol=1e-4)
    assert rms(made - whole) > 0
    with pytest.raises(TypeError, match="cannot settle"):
        alone.settle(None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("specimen", "planes", "least"), [("beads", 4, 0.5), ("nuclei", 5, -0.1)]
)
def test_it_begins_as_its_prior_and_stays_near_or_above(
    specimen: str, planes: int, least: float
) -> None:
    truth, counts = stacks(specimen, seed=31)
    model = load_model("on-layers")
    assert isinstance(model.network, OnLayers)
    ours = make_estimator("recurrent-mz", Z_UM, AIR, model=model)
    assert isinstance(ours, OnLayersEstimator)
    theirs = ours._prior
    for m, i in enumerate(ORDER[:planes], 1):
        made = ours.add(counts[i], Z_UM[i]).volume
        prior = theirs.volume
        if m < 3:
            assert ours.share == 0
            np.testing.assert_allclose(made, prior, atol=1e-3)
    assert prior is not None
    rest = [i for i in range(len(Z_UM)) if i not in ORDER[:planes]]
    gain = 20 * np.log10(rms((prior - truth)[rest]) / rms((made - truth)[rest]))
    assert gain > least, ours.share
