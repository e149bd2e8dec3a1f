"""The small network on the richardson-lucy prior: shapes, its start, its neighbours."""

from __future__ import annotations

import pytest
import torch

from rmz_acquire.networks import OnLayers, OnLayersConfig, Prior, build_network


def network(*, trained: bool = True) -> OnLayers:
    torch.manual_seed(1)
    made = build_network(OnLayersConfig(prior="richardson-lucy", channels=4))
    assert isinstance(made, OnLayers)
    if trained:
        torch.nn.init.normal_(made.last.weight)
    return made.eval()


def prior(*shape: int, seed: int = 0) -> Prior:
    rng = torch.Generator().manual_seed(seed)
    volumes = [torch.rand(shape, generator=rng) for _ in range(3)]
    dz = torch.linspace(-9, 9, shape[0])
    never = torch.full((shape[0],), torch.inf)
    return Prior(*volumes, dz.clamp_min(0), never, dz)


def test_untrained_it_gives_the_estimate_back() -> None:
    priors = [prior(5, 12, 10, seed=k) for k in range(3)]
    made = network(trained=False)(priors)
    torch.testing.assert_close(made, torch.stack([p.estimate for p in priors]))


@pytest.mark.parametrize("shape", [(5, 12, 10), (4, 11, 13), (2, 9, 8)])
def test_any_size_of_picture_goes(shape: tuple[int, int, int]) -> None:
    made = network()([prior(*shape), prior(*shape, seed=1)])
    assert made.shape == (2, *shape)
    assert bool(made.isfinite().all())


def test_a_plane_changes_what_a_later_one_gives() -> None:
    net, last = network(), prior(5, 12, 10, seed=2)
    after = [net([prior(5, 12, 10, seed=s), last])[-1] for s in (0, 1)]
    assert not torch.equal(*after)


def test_it_sees_its_neighbours_and_no_farther() -> None:
    net, told = network(), prior(23, 40, 40)
    before = net([told])[0]
    told.light[11, 20, 20] += 1
    changed = (net([told])[0] != before).nonzero()
    reach = (changed - torch.tensor([11, 20, 20])).abs().amax(0)
    # dilations along z 1 + 2 + 4 + 2
    assert reach[0] == 9
    assert 2 < reach[1:].max() <= net.reach_px + 1


def test_as_configured_it_is_small() -> None:
    net = build_network(OnLayersConfig(prior="richardson-lucy"))
    assert 30_000 < sum(p.numel() for p in net.parameters()) < 60_000
