from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from small_scope import AIR, Z_UM, rms, small_model, stacks

from rmz_acquire.reconstruction import (
    Normalisation,
    RecurrentEstimator,
    WienerEstimator,
    WienerFilter,
    network,
)

if TYPE_CHECKING:
    from rmz_acquire.models import LoadedModel

ORDER = [14, 4, 21, 9]


@pytest.fixture(scope="module", params=["none", "wiener"])
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> LoadedModel:
    return small_model(tmp_path_factory.mktemp("model"), prior=request.param)


def by_hand(
    model: LoadedModel, counts: np.ndarray, order: list[int], scale: Normalisation
) -> np.ndarray:
    """All planes at once through the network, whole grid, one background and scale."""
    planes = torch.from_numpy((counts[order] - scale.background) / scale.scale).float()
    # 0.75 / sqrt(1 - 0.75²) / 0.325 pixels of blur a µm
    blur = 0.75 / np.sqrt(1 - 0.75**2) / 0.325
    dz = torch.from_numpy((Z_UM[:, None] - Z_UM[order][None]) * blur).float()
    given: tuple[torch.Tensor, ...] = ()
    if model.card.network.prior == "wiener":
        linear = WienerFilter(AIR, torch.from_numpy(Z_UM))
        z = torch.from_numpy(Z_UM[order])
        each = [linear.estimate(planes[: k + 1], z[: k + 1]) for k in range(len(order))]
        given = (torch.stack([e.volume for e in each], 1), each[-1].error)
    with torch.no_grad():
        out = model.network(planes[None].expand(len(Z_UM), -1, -1, -1), dz, *given)
    return out[:, 0].numpy() * scale.scale + scale.background


def feed(
    model: LoadedModel, places: list[int], name: str = "nuclei"
) -> RecurrentEstimator:
    _, counts = stacks(name)
    estimator = RecurrentEstimator(Z_UM, AIR, model, device="cpu")
    for place in places:
        estimator.add(counts[place], Z_UM[place])
    return estimator


def close(found: np.ndarray, expected: np.ndarray, part: float = 1e-3) -> None:
    np.testing.assert_allclose(found, expected, atol=part * expected.std(), rtol=0)


@pytest.mark.parametrize("m", [1, 4])
def test_a_plane_at_a_time_is_the_network_on_all(model: LoadedModel, m: int) -> None:
    _, counts = stacks("nuclei")
    estimator = feed(model, ORDER[:m])
    scale = estimator.normalisation
    assert scale is not None and estimator.volume is not None
    close(estimator.volume, by_hand(model, counts, ORDER[:m], scale))


@pytest.mark.slow
def test_rebuild_is_a_fresh_start_with_the_scale_of_all_planes(
    model: LoadedModel,
) -> None:
    _, counts = stacks("nuclei")
    estimator = feed(model, ORDER)
    rebuilt = estimator.rebuild()
    scale = Normalisation.of(counts[ORDER])
    assert estimator.normalisation == scale
    close(rebuilt, by_hand(model, counts, ORDER, scale))
    assert estimator.volume is rebuilt
    # and goes on from there
    estimator.add(counts[17], Z_UM[17])
    assert estimator.normalisation is not None
    close(
        estimator.volume, by_hand(model, counts, [*ORDER, 17], estimator.normalisation)
    )


def test_scale_is_kept_while_planes_agree_and_else_all_is_rebuilt(
    model: LoadedModel,
) -> None:
    _, counts = stacks("nuclei")
    estimator = feed(model, [12])
    first = estimator.normalisation
    assert first == Normalisation.of(counts[[12]])
    estimator.add(counts[13], Z_UM[13])
    assert not first == Normalisation.of(counts[[12, 13]])
    assert estimator.normalisation == first
    bright = 3 * (counts[14] - 100) + 100
    estimator.add(bright, Z_UM[14])
    fresh = Normalisation.of(np.stack([counts[12], counts[13], bright]))
    assert fresh.scale > 1.3 * first.scale
    assert estimator.normalisation == fresh
    changed = counts.copy()
    changed[14] = bright
    close(estimator.volume, by_hand(model, changed, [12, 13, 14], fresh))


@pytest.mark.slow
@pytest.mark.parametrize("some", [1, 7])
def test_parts_of_the_grid_do_not_change_the_volume(
    model: LoadedModel, some: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # kernels for several threads add up in another order
    try:
        whole = feed(model, ORDER[:3])
        assert len(whole._slices()) == 1
        each = 40 * model.card.network.base_channels * np.prod(whole.volume.shape[1:])
        monkeypatch.setattr(network, "_ACTIVATIONS", some * each)
        parts = feed(model, ORDER[:3])
        assert parts._slices()[0] == slice(0, some)
    finally:
        torch.set_num_threads(threads)
    close(parts.volume, whole.volume, 1e-4)


@pytest.mark.parametrize("name", ["beads", "nuclei"])
def test_untrained_it_is_the_wiener_estimate_in_counts(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    untrained = small_model(
        tmp_path_factory.mktemp("model"), prior="wiener", trained=False
    )
    _, counts = stacks(name)
    linear = WienerEstimator(Z_UM, AIR)
    estimator = RecurrentEstimator(Z_UM, AIR, untrained, device="cpu")
    for place in ORDER:
        expected = linear.add(counts[place], Z_UM[place])
        found = estimator.add(counts[place], Z_UM[place])
        close(found.volume, expected.volume, 2e-3)
    assert found.delta_relative == pytest.approx(expected.delta_relative, rel=0.01)
    assert found.innovation == pytest.approx(expected.innovation, rel=0.01)


def test_network_learns_on_which_side_of_a_plane_it_is(model: LoadedModel) -> None:
    """dz is z_out - z_plane: turned round, the volume is another one."""
    _, counts = stacks("nuclei")
    upright = RecurrentEstimator(Z_UM, AIR, model, device="cpu")
    above = upright.add(counts[18], 3.0).volume
    turned = RecurrentEstimator(Z_UM, AIR, model, device="cpu")
    below = turned.add(counts[18], -3.0).volume
    assert rms(above - below[::-1]) > 1e-3 * above.std()
