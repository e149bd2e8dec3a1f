"""Volumes in tiles: what networks make of them, and how far they are meanwhile."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from small_scope import AIR, rms, small_model, stacks
from small_scope import Z_UM as FINE_UM

from rmz_acquire.models import load_model
from rmz_acquire.reconstruction import Normalisation, make_estimator
from rmz_acquire.reconstruction.how_far import HowFar, worked
from rmz_acquire.reconstruction.memory_plan import MemoryPlan
from rmz_acquire.reconstruction.tiled import gap_left_um, make_in_tiles

Z_UM = FINE_UM[::2]
AT = [4, 12, 20]
Z_TAKEN = [float(FINE_UM[n]) for n in AT]
SHAPE = (40, 120)
PATIENCE_S = 60.0
PLAN = MemoryPlan(SHAPE, len(Z_UM), (64, 64), 32, 1, 1, 1)


@pytest.fixture(scope="module")
def images():
    """Its right half has three times the light, so that no half is like the whole."""
    _, counts = stacks("nuclei")
    return [np.hstack([counts[n, :40], 3 * counts[n, :40, ::-1]]) for n in AT]


def laid(make, images, *told):
    made = np.full((len(Z_UM), *SHAPE), np.nan, np.float32)
    for part in make_in_tiles(make, images, Z_TAKEN, PLAN, *told):
        made[:, *part.region.slices] = part.volume
    return made


@pytest.mark.parametrize(
    ("name", "apart"),
    [("wiener", 0.05), pytest.param("on-layers", 0.08, marks=pytest.mark.slow)],
)
def test_a_network_makes_in_tiles_what_it_makes_at_once(
    images, name, apart, tmp_path_factory
):
    """To a part of the volume's contrast, and over the seam too."""
    if name == "on-layers":
        model = load_model(name)
    else:
        model = small_model(tmp_path_factory.mktemp("model"), prior=name)

    def make():
        return make_estimator("recurrent-mz", Z_UM, AIR, model=model, device="cpu")

    whole = make().add_all(images, Z_TAKEN)
    apart_here = laid(make, images) - whole
    contrast = rms(whole - whole.mean())
    assert rms(apart_here) < apart * contrast
    assert rms(np.diff(apart_here, axis=2)[:, :, 48:80]) < apart * contrast


def test_tiles_of_a_network_share_background_and_scale(images, tmp_path):
    model, made = small_model(tmp_path, prior="none"), []

    def make():
        made.append(make_estimator("recurrent-mz", Z_UM, AIR, model=model))
        return made[-1]

    laid(make, images)
    shared = Normalisation.of(np.stack(images))
    # after the one that surveys: a part that is timed, and two tiles
    assert [each.normalisation for each in made[1:]] == [shared] * 3
    with pytest.raises(TypeError, match="cannot settle"):
        made[0].settle(1.0)


@pytest.fixture(scope="module")
def by_layers(images):
    """One tile after the other, and two side by side: volume, and what was told."""

    def make():
        return make_estimator("richardson-lucy", Z_UM, AIR, device="cpu")

    found = {}
    for together in (1, 2):
        volume = np.full((len(Z_UM), *SHAPE), np.nan, np.float32)
        shares, compared, at_tile, told_by = [], [], [], set()

        def told(share, shares=shares, told_by=told_by):
            shares.append(share)
            told_by.add(threading.current_thread())

        plan = replace(PLAN, together=together)
        for part in make_in_tiles(make, images, Z_TAKEN, plan, told, compared.append):
            volume[:, *part.region.slices] = part.volume
            at_tile.append((part.number, len(shares)))
        assert told_by == {threading.current_thread()}
        found[together] = volume, shares, compared, at_tile
    return found


@pytest.mark.slow
def test_tiles_side_by_side_are_those_made_one_after_the_other(by_layers):
    (one, *_), (both, *_) = by_layers[1], by_layers[2]
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one, both)


@pytest.mark.slow
@pytest.mark.parametrize("together", [1, 2])
def test_it_is_told_how_far_it_is_within_a_tile(by_layers, together):
    _, shares, compared, at_tile = by_layers[together]
    assert shares == sorted(set(shares)) and shares[-1] == 1
    assert [number for number, _ in at_tile] == [1, 2]
    # before the first is done, several times, and no leap: tiles take for a pixel what
    # the part before them did
    assert 0 < shares[0] < 0.5
    assert at_tile[0][1] > 3
    if together == 1:
        assert at_tile[1][1] > at_tile[0][1] + 2
    assert np.diff(shares).max() < 0.5
    (told,) = compared
    assert sum(told["shares"].values()) == pytest.approx(1) and told["z_scale"]


def test_who_waits_for_one_of_two_tiles_is_told_of_both():
    told = []
    far = HowFar([(10, 10)] * 3, told.append)
    with far.part(0):
        worked(100.0)

    def half(number):
        with far.part(number):
            worked(50.0)
            begun.wait(PATIENCE_S)
            ended.wait(PATIENCE_S)

    begun, ended = threading.Barrier(3), threading.Event()
    both = [threading.Thread(target=half, args=(number,)) for number in (1, 2)]
    for thread in both:
        thread.start()
    begun.wait(PATIENCE_S)
    far.tell()
    # the first part tells of the others, and is a third of the work
    assert told == pytest.approx([1 / 3, 1 / 3 + 2 / 3 * 0.5])
    ended.set()
    for thread in both:
        thread.join()
    far.tell()
    assert told[-1] == 1 and told == sorted(told)


def test_the_gap_that_planes_leave():
    assert gap_left_um([0, 1, 2, 3, 4], [1.0]) == 3
    assert gap_left_um([0, 1, 2, 3, 4], [0.5, 4.5]) == 2.5 - 1
