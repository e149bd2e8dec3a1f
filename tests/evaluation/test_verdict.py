"""A model is called better only where it is."""

from __future__ import annotations

import pytest

from rmz_acquire.evaluation.verdict import verdict


def scores(own, before, wiener, linear):
    row = {"net": own, "base": before, "wiener": wiener, "linear": linear}
    return {"worm": {"M=3": row, "M=5": {k: v + 1 for k, v in row.items()}}}


@pytest.mark.parametrize(
    ("values", "better", "said"),
    [
        ((30.0, 29.4, 28.9, 27.0), True, "Better than before by 0.6 dB"),
        ((30.0, 30.0, 28.9, 27.0), False, "Not better: do not use it"),
        ((30.0, 31.2, 28.9, 27.0), False, "Not better: do not use it"),
        ((30.0, 29.0, 30.4, 27.0), False, "Not better than the optics alone"),
    ],
)
def test_it_is_judged_by_the_mean(values, better, said):
    found = verdict(scores(*values), "net", "base")
    assert found.better is better and found.headline.startswith(said)
    assert "On what it has not seen" in found.text
    assert "against base" in found.text


def test_a_loss_has_its_sign():
    said = verdict(scores(30.0, 31.2, 28.9, 27.0), "net", "base").text
    assert "−1.2 dB against base" in said and "Go on with base" in said


def test_without_a_model_before_the_optics_are_the_measure():
    found = verdict(scores(30.0, 0, 28.9, 27.0), "net")
    assert found.better and "than the optics alone by 1.1 dB" in found.headline
    assert not verdict({}, "net").better


def test_what_is_not_released_is_not_to_be_used():
    found = verdict(scores(30.0, 29.4, 28.9, 27.0), "net", "base", released=False)
    assert not found.better and "do not use it" in found.headline
