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
    below = torch.linspace(-9, 9, shape[0]).clamp_min(0)
    return Prior(*volumes, below, torch.full((shape[0],), torch.inf))


def test_untrained_it_gives_the_estimate_back() -> None:
    told = prior(5, 12, 10)
    torch.testing.assert_close(network(trained=False)(told), told.estimate)


@pytest.mark.parametrize("shape", [(5, 12, 10), (4, 11, 13), (2, 9, 8)])
def test_any_size_of_picture_goes(shape: tuple[int, int, int]) -> None:
    made = network()(prior(*shape))
    assert made.shape == shape
    assert bool(made.isfinite().all())


def test_where_planes_were_taken_changes_what_it_gives() -> None:
    net, told = network(), prior(5, 12, 10)
    farther = told._replace(after_px=torch.linspace(20, 2, 5))
    assert not torch.equal(net(told), net(farther))


def test_it_sees_its_neighbours_and_no_farther() -> None:
    net, told = network(), prior(23, 40, 40)
    before = net(told)
    told.light[11, 20, 20] += 1
    changed = (net(told) != before).nonzero()
    reach = (changed - torch.tensor([11, 20, 20])).abs().amax(0)
    # dilations along z 1 + 2 + 4 + 2
    assert reach[0] == 9
    assert 2 < reach[1:].max() <= net.reach_px + 1


def test_as_configured_it_is_small() -> None:
    net = build_network(OnLayersConfig(prior="richardson-lucy"))
    assert 25_000 < sum(p.numel() for p in net.parameters()) < 40_000
