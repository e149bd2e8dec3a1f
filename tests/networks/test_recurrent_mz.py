"""The network against the paper's equations, written down once more in functions."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional

from rmz_acquire.networks import RecurrentMZ, RecurrentMZConfig, State
from rmz_acquire.networks.recurrent_mz import ConvGRU

SMALL = {"levels": 3, "base_channels": 4}
Weights = dict[str, Tensor]


def make(**settings: object) -> RecurrentMZ:
    """In eval mode, with no weight, bias or running statistic left at its start."""
    network = RecurrentMZ(RecurrentMZConfig(**{**SMALL, **settings})).eval()
    g = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape, generator=g)
            if name.endswith("running_var"):
                tensor.copy_(0.5 + noise.abs())
            elif tensor.ndim == 1:
                tensor.copy_(0.3 * noise + (1 if tensor.mean() > 0.9 else 0))
            else:  # wide enough that the signal comes through
                tensor.copy_(noise * (2 / tensor[0].numel()) ** 0.5)
    return network


def sequence(
    m: int, p: int = 3, shape: tuple[int, int] = (16, 24)
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Planes, their dz and what the prior network gets besides."""
    g = torch.Generator().manual_seed(m)
    planes = torch.randn(1, m, *shape, generator=g).expand(p, -1, -1, -1)
    dz = 40 * torch.rand(p, m, generator=g) - 20
    priors = torch.randn(p, m, *shape, generator=g)
    return planes, dz, (priors, 0.2 + torch.rand(p, generator=g))


# -- the paper's equations -----------------------------------------------------------


def normalised(x: Tensor, w: Weights, key: str, groups: int) -> Tensor:
    gain, shift = w[f"{key}.weight"], w[f"{key}.bias"]
    if f"{key}.running_mean" in w:
        mean = w[f"{key}.running_mean"][None, :, None, None]
        var = w[f"{key}.running_var"][None, :, None, None]
    else:
        grouped = x.reshape(len(x), groups, -1)
        each = x.shape[1] // groups
        mean = grouped.mean(2).repeat_interleave(each, 1)[..., None, None]
        var = grouped.var(2, unbiased=False).repeat_interleave(each, 1)[..., None, None]
    x = (x - mean) / torch.sqrt(var + 1e-5)
    return x * gain[None, :, None, None] + shift[None, :, None, None]


def conv_block(x: Tensor, w: Weights, key: str, groups: int) -> Tensor:
    """Eqs. 1 and 3: ReLU(BN(Conv)) twice."""
    for place in (0, 3):
        weight, bias = w[f"{key}.{place}.weight"], w[f"{key}.{place}.bias"]
        x = functional.conv2d(x, weight, bias, padding=1)
        x = normalised(x, w, f"{key}.{place + 1}", groups).clamp_min(0)
    return x


def gru(x: Tensor, h: Tensor, w: Weights, key: str) -> Tensor:
    """Eqs. 4 to 6, an output channel and an input channel at a time."""
    c = x.shape[1]
    w_f, w_h = w[f"{key}.from_input.weight"][:c], w[f"{key}.from_input.weight"][c:]
    b_f, b_h = w[f"{key}.from_input.bias"][:c], w[f"{key}.from_input.bias"][c:]
    u_f, u_h = w[f"{key}.gate.weight"], w[f"{key}.candidate.weight"]

    def convolved(pictures: Tensor, kernels: Tensor) -> Tensor:
        out = torch.zeros_like(pictures)
        for o in range(c):
            for i in range(c):
                one = functional.conv2d(
                    pictures[:, i : i + 1], kernels[o : o + 1, i : i + 1], padding=1
                )
                out[:, o] += one[:, 0]
        return out

    def per_channel(b: Tensor) -> Tensor:
        return b[None, :, None, None]

    f = torch.sigmoid(convolved(x, w_f) + convolved(h, u_f) + per_channel(b_f))
    proposal = torch.tanh(convolved(x, w_h) + convolved(f * h, u_h) + per_channel(b_h))
    return (1 - f) * h + f * proposal


def reference(
    network: RecurrentMZ,
    planes: Tensor,
    dz: Tensor,
    priors: Tensor | None = None,
    prior_error: Tensor | None = None,
) -> Tensor:
    """The whole network on sizes that need no padding."""
    w, config = network.state_dict(), network.config
    p, m, height, width = planes.shape
    hidden = [
        torch.zeros(p, config.base_channels * 2**k, height // 2**k, width // 2**k)
        for k in range(config.levels)
    ]
    for t in range(m):
        dpm = torch.ones(p, 1, height, width) * dz[:, t, None, None, None]
        channels = [planes[:, t : t + 1], dpm / config.dz_scale_px]
        if priors is not None:
            channels.append(priors[:, t : t + 1])
        x, y = torch.cat(channels, 1), []
        for k in range(config.levels):
            if k:
                n, c, a, b = x.shape
                x = x.reshape(n, c, a // 2, 2, b // 2, 2).amax((3, 5))
            x = conv_block(x, w, f"encoder.{k}", config.groups)
            hidden[k] = gru(x, hidden[k], w, f"recurrent.{k}.gru")
            seen = normalised(hidden[k], w, f"recurrent.{k}.norm", config.groups)
            key = f"recurrent.{k}.residual"
            same = functional.conv2d(x, w[f"{key}.weight"], w[f"{key}.bias"])
            y.append(seen.clamp_min(0) + same)  # eq. 2
    d = y[-1]
    for k in reversed(range(config.levels - 1)):  # eq. 3
        up = d.repeat_interleave(2, 2).repeat_interleave(2, 3)
        d = conv_block(torch.cat([up, y[k]], 1), w, f"decoder.{k}", config.groups)
    out = functional.conv2d(d, w["output.weight"], w["output.bias"])
    if priors is None or prior_error is None:
        return out
    return priors[:, -1:] + prior_error[:, None, None, None] * out


@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize("prior", ["none", "wiener"])
@pytest.mark.parametrize("m", [1, 3])
@torch.no_grad()
def test_network_is_the_papers_equations(norm: str, prior: str, m: int) -> None:
    network = make(norm=norm, prior=prior)
    planes, dz, given = sequence(m)
    given = given if prior == "wiener" else ()
    expected = reference(network, planes, dz, *given)
    found = network(planes, dz, *given)
    assert expected.std() > 0.05
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_gru_is_equations_4_to_6() -> None:
    cell = ConvGRU(3)
    x, h = torch.randn(2, 3, 7, 5), torch.randn(2, 3, 7, 5)
    w = {f"gru.{k}": v for k, v in cell.state_dict().items()}
    torch.testing.assert_close(cell(x, h), gru(x, h, w, "gru"))
    torch.testing.assert_close(cell(x, None), gru(x, torch.zeros_like(x), w, "gru"))
    torch.testing.assert_close(cell(x, torch.zeros_like(x)), cell(x, None))


@pytest.mark.parametrize(("prior", "inputs"), [("none", 2), ("wiener", 3)])
def test_channels_and_parameters_of_the_paper(prior: str, inputs: int) -> None:
    network = RecurrentMZ(RecurrentMZConfig(prior=prior))
    widths = [20, 40, 80, 160, 320]
    first = [block[0] for block in network.encoder]
    second = [block[3] for block in network.encoder]
    assert [c.in_channels for c in first] == [inputs, *widths[:-1]]
    assert [c.out_channels for c in first] == [10, 20, 40, 80, 160]
    assert [c.out_channels for c in second] == widths
    assert [block.gru.channels for block in network.recurrent] == widths
    assert [block[0].out_channels for block in network.decoder] == widths[:-1]
    count = sum(p.numel() for p in network.parameters())
    # by hand: convolution a→b of 3×3 is 9ab + b, norm 2b
    hand, before = 0, inputs
    for w in widths:
        hand += 9 * before * w // 2 + 3 * (w // 2) + 9 * w // 2 * w + 3 * w
        hand += 2 * 9 * w * w + 2 * w + 2 * 9 * w * w  # W and b, U
        hand += 2 * w + w * w + w  # norm, residual
        before = w
    for a, b in pairwise(widths):
        hand += 9 * (a + b) * a + 3 * a + 9 * a * a + 3 * a
    assert count == hand + 20 + 1
    assert count == pytest.approx(7.2e6, rel=0.01)


# -- a plane at a time ---------------------------------------------------------------


@pytest.mark.parametrize("m", range(1, 9))
@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize("prior", ["none", "wiener"])
@torch.no_grad()
def test_one_by_one_is_all_at_once(m: int, norm: str, prior: str) -> None:
    # in double: kernels differ with batch and threads, and these weights magnify it
    network = make(norm=norm, prior=prior).double()
    planes, dz, (priors, error) = sequence(m, shape=(37, 53))
    planes, dz, priors, error = (x.double() for x in (planes, dz, priors, error))
    uses = prior == "wiener"
    whole = network(planes, dz, *((priors, error) if uses else ()))
    for part in (slice(0, 1), slice(1, 3)):  # output planes apart, states by hand
        state = None
        for t in range(m):
            now = priors[part, t : t + 1] if uses else None
            fresh = network.step(planes[:1, t : t + 1], dz[part, t], state, now)
            out = network.decode(fresh, (37, 53), now, error[part] if uses else None)
            state = State(fresh.hidden, ())  # all that a scan keeps
        torch.testing.assert_close(out, whole[part], atol=1e-9, rtol=1e-9)


@torch.no_grad()
def test_state_remembers_the_planes_before() -> None:
    network = make()
    planes, dz, _ = sequence(3)
    other = planes.clone()
    other[:, 0] += 1
    assert (network(planes, dz) - network(other, dz)).abs().max() > 1e-3
    assert (network(planes, dz) - network(planes, dz.flip(1))).abs().max() > 1e-3


@torch.no_grad()
def test_a_step_leaves_the_state_before_alone() -> None:
    network = make()
    planes, dz, _ = sequence(2)
    first = network.step(planes[:, :1], dz[:, 0])
    copies = [h.clone() for h in first.hidden]
    network.step(planes[:, 1:], dz[:, 1], first)
    assert all(torch.equal(a, b) for a, b in zip(first.hidden, copies, strict=True))


@torch.no_grad()
def test_output_planes_do_not_see_each_other() -> None:
    for norm in ("batch", "group"):
        network = make(norm=norm)
        planes, dz, _ = sequence(2, p=4)
        order = torch.tensor([2, 0, 3, 1])
        shuffled = network(planes, dz[order])
        torch.testing.assert_close(shuffled, network(planes, dz)[order])


# -- the prior -----------------------------------------------------------------------


@pytest.mark.parametrize("m", [1, 4])
@torch.no_grad()
def test_untrained_it_gives_the_prior_back(m: int) -> None:
    for norm in ("batch", "group"):
        config = RecurrentMZConfig(prior="wiener", norm=norm, **SMALL)
        network = RecurrentMZ(config).eval()
        planes, dz, (priors, error) = sequence(m, shape=(21, 18))
        assert torch.equal(network(planes, dz, priors, error), priors[:, -1:])


@torch.no_grad()
def test_prior_is_given_where_it_is_used_and_only_there() -> None:
    planes, dz, (priors, error) = sequence(1)
    with pytest.raises(ValueError, match="prior 'none'"):
        make()(planes, dz, priors, error)
    with pytest.raises(ValueError, match="prior 'wiener'"):
        make(prior="wiener")(planes, dz)
    with pytest.raises(ValueError, match="go together"):
        make(prior="wiener")(planes, dz, priors)
    with pytest.raises(ValueError, match="at least one"):
        make()(planes[:, :0], dz[:, :0])


# -- sizes ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(37, 53), (1, 1), (3, 40), (32, 32), (33, 31)])
@torch.no_grad()
def test_any_size_goes_in_and_comes_out(shape: tuple[int, int]) -> None:
    network = make(levels=4)
    planes, dz, _ = sequence(2, shape=shape)
    assert network(planes, dz).shape == (3, 1, *shape)


@torch.no_grad()
def test_padding_repeats_the_rim_around_the_middle() -> None:
    network = make()  # three levels: multiples of 4
    planes, dz, _ = sequence(2, shape=(13, 18))
    # 3 rows and 2 columns are missing: one above, two below; one left, one right
    padded = torch.cat(
        [planes[:, :, :1], planes, planes[:, :, -1:], planes[:, :, -1:]], 2
    )
    padded = torch.cat([padded[..., :1], padded, padded[..., -1:]], 3)
    expected = network(padded, dz)[:, :, 1:14, 1:19]
    torch.testing.assert_close(network(planes, dz), expected)


# -- configuration -------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        {"levels": 0},
        {"base_channels": 5},
        {"base_channels": 0},
        {"norm": "layer"},
        {"prior": "linear"},
        {"dz_scale_px": 0},
        {"dz_scale_px": float("nan")},
        {"depth": 3},
        {"norm": "group", "base_channels": 6, "groups": 2},
        {"norm": "group", "base_channels": 4, "groups": 3},
    ],
)
def test_a_network_that_cannot_be_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RecurrentMZConfig(**bad)


@pytest.mark.parametrize(
    ("channels", "groups"), [(2, 2), (2, 8), (12, 2), (12, 6), (20, 5), (8, 1)]
)
def test_a_network_that_is_allowed_can_be_built(channels: int, groups: int) -> None:
    config = RecurrentMZConfig(
        levels=2, base_channels=channels, norm="group", groups=groups
    )
    RecurrentMZ(config)


def test_dz_scale_is_the_unit_of_the_dpm() -> None:
    a, b = make(dz_scale_px=16.0), make(dz_scale_px=4.0)
    b.load_state_dict(a.state_dict())
    planes, dz, _ = sequence(2)
    with torch.no_grad():
        torch.testing.assert_close(a(planes, dz), b(planes, dz / 4))
