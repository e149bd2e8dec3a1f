from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from small_training import SMALL

from rmz_acquire.errors import ScanFailed
from rmz_acquire.networks import RecurrentMZ
from rmz_acquire.training.losses import berhu, relative_error
from rmz_acquire.training.module import TrainingModule
from rmz_acquire.training.sequences import Sequence

pytestmark = pytest.mark.filterwarnings(
    # lightning: a module used without its Trainer
    "ignore:You are trying to `self.log\\(\\)`:UserWarning"
)


def sequence(m: int = 2) -> Sequence:
    g = torch.Generator().manual_seed(m)
    return Sequence(
        planes=torch.randn(m, 16, 16, generator=g),
        dz_px=10 * torch.randn(3, m, generator=g),
        priors=torch.randn(3, m, 16, 16, generator=g),
        prior_error=0.5 + torch.rand(3, generator=g),
        target=torch.randn(3, 16, 16, generator=g),
    )


def module(**changes: object) -> TrainingModule:
    made = TrainingModule(SMALL.model_copy(update=changes))
    with torch.no_grad():
        for p in made.network.parameters():
            p.add_(
                0.1 * torch.randn(p.shape, generator=torch.Generator().manual_seed(1))
            )
    return made


@pytest.mark.parametrize("prior", ["none", "wiener"])
@pytest.mark.parametrize("loss", ["berhu", "relative"])
def test_training_step_is_the_loss_of_the_last_volume(prior: str, loss: str) -> None:
    network = SMALL.network.model_copy(update={"prior": prior})
    trained = module(network=network, loss=loss)
    s = sequence()
    given = (s.priors, s.prior_error) if prior == "wiener" else ()
    output = trained.network(s.planes.repeat(3, 1, 1, 1), s.dz_px, *given)[:, 0]
    if loss == "berhu":
        expected = berhu(output, s.target)
    else:
        expected = relative_error(output, s.target, s.priors[:, -1], s.prior_error)
    torch.testing.assert_close(trained.training_step(s, 0), expected)
    expected.backward()
    assert all(p.grad is not None for p in trained.network.parameters())


def test_a_loss_that_is_no_number_ends_the_run() -> None:
    spoilt = sequence()._replace(target=torch.full((3, 16, 16), math.nan))
    with pytest.raises(ScanFailed, match="nan at step 0: lower the learning rate"):
        module().training_step(spoilt, 0)


def test_same_seed_same_start() -> None:
    a, b = TrainingModule(SMALL), TrainingModule(SMALL)
    c = TrainingModule(SMALL.model_copy(update={"seed": 9}))
    first = [m.network.encoder[0][0].weight for m in (a, b, c)]
    assert torch.equal(first[0], first[1]) and not torch.equal(first[0], first[2])


def test_average_is_the_running_mean_and_is_not_trained() -> None:
    trained = module()
    assert not any(p.requires_grad for p in trained.average.parameters())
    weight = trained.network.output.bias
    expected = None
    for value in (1.0, 3.0, -5.0):
        with torch.no_grad():
            weight.fill_(value)
        trained.on_before_zero_grad()
        # decay 0.5 in the small configuration
        expected = value if expected is None else 0.5 * expected + 0.5 * value
    averaged = trained.average.module
    assert isinstance(averaged, RecurrentMZ)
    assert float(averaged.output.bias) == pytest.approx(expected)


def test_validation_is_decibels_of_the_averaged_network_over_the_prior(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained, logged = module(), {}
    monkeypatch.setattr(
        trained, "log", lambda name, value, **_: logged.update({name: value})
    )
    s = sequence(3)
    trained.validation_step(s, 0)
    with torch.no_grad():
        output = trained.average(
            s.planes.repeat(3, 1, 1, 1), s.dz_px, s.priors, s.prior_error
        )[:, 0]
    before = float(((s.priors[:, -1] - s.target) ** 2).mean())
    after = float(((output - s.target) ** 2).mean())
    assert float(logged["gain_db"]) == pytest.approx(
        10 * math.log10(before / after), abs=1e-4
    )


def test_rate_rises_and_falls_as_a_cosine() -> None:
    settings = SMALL.optimiser.model_copy(
        update={"steps": 100, "warmup": 0.1, "learning_rate": 0.02}
    )
    made = TrainingModule(SMALL.model_copy(update={"optimiser": settings}))
    plan = made.configure_optimizers()
    schedule = plan["lr_scheduler"]["scheduler"]
    rates = []
    for _ in range(101):
        rates.append(plan["optimizer"].param_groups[0]["lr"])
        plan["optimizer"].step()
        schedule.step()
    assert rates[0] == pytest.approx(0.002)
    assert rates[9] == pytest.approx(0.02) and max(rates) == pytest.approx(0.02)
    assert rates[55] == pytest.approx(0.02 * (0.01 + 0.99 / 2), rel=1e-3)
    assert rates[100] == pytest.approx(0.0002)
    assert all(a > b for a, b in pairwise(rates[11:]))
    assert plan["lr_scheduler"]["interval"] == "step"
