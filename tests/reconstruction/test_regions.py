"""A scan on tiles measures what one on the whole picture would; volumes in tiles."""

from __future__ import annotations

import itertools
import threading
import time
import tracemalloc

import numpy as np
import pytest
import torch

from rmz_acquire.errors import InputError
from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import LinearEstimator, make_estimator
from rmz_acquire.reconstruction.memory_plan import MEMORY, limit_bytes, plan_memory
from rmz_acquire.reconstruction.region_estimator import RegionEstimator
from rmz_acquire.reconstruction.region_grid import halo_px, thinned
from rmz_acquire.reconstruction.several import at_once, in_order
from rmz_acquire.reconstruction.structure import Structure
from rmz_acquire.reconstruction.tiled import make_in_tiles
from rmz_acquire.scanning import Region
from rmz_acquire.simulation.stack import simulate_stack

Z_UM = np.linspace(0, 8, 9)
OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
ORDER = (1, 4, 7, 2, 6)
PATIENCE_S = 60.0


def linear(grid, binning=1):
    return make_estimator("linear", grid)


def noise(rng, shape=(192, 256)):
    return rng.poisson(100, shape).astype(np.uint16)


def spots(image, region, rng, height=2000):
    """The image with bright spots in a region."""
    rows = rng.integers(region.y + 8, region.y + region.height - 8, 30)
    columns = rng.integers(region.x + 8, region.x + region.width - 8, 30)
    made = image.copy()
    for y, x in zip(rows, columns, strict=True):
        made[y - 2 : y + 3, x - 2 : x + 3] += np.uint16(height)
    return made


@pytest.fixture(scope="module")
def stack():
    return simulate_stack(
        "nuclei", 3, OPTICS, planes=9, z_step_um=1.0, shape=(96, 160), exposure_ms=50
    ).counts


def test_all_of_the_picture_in_two_regions_is_the_whole_picture(stack):
    halves = [Region(0, 0, 96, 70), Region(0, 70, 96, 90)]
    ours = RegionEstimator(linear, Z_UM, (96, 160), regions=halves)
    whole = linear(Z_UM)
    for n in ORDER:
        a, b = ours.add(stack[n], Z_UM[n]), whole.add(stack[n], Z_UM[n])
        for key in ("delta", "delta_relative", "innovation_raw", "gap_um", "spread"):
            mine, theirs = getattr(a, key), getattr(b, key)
            assert (mine is None) == (theirs is None)
            assert mine is None or mine == pytest.approx(theirs, rel=1e-5), key
        # each part tells its noise by its own pixels, to some 5 %
        for key in ("innovation", "misprediction"):
            mine, theirs = getattr(a, key), getattr(b, key)
            assert mine is None or mine == pytest.approx(theirs, rel=0.1), key
        assert a.volume is None and ours.volume is None
        assert [part.region for part in a.regions] == halves
    laid = np.concatenate([part.on(Z_UM) for part in a.regions], axis=2)
    np.testing.assert_allclose(laid, b.volume, rtol=1e-6)


def test_tiles_lie_where_there_is_structure_and_one_is_drawn():
    rng = np.random.default_rng(0)
    bright = Region(32, 96, 64, 64)
    image = spots(noise(rng), bright, rng)
    found = []
    for seed in (1, 1, 2):
        ours = RegionEstimator(linear, Z_UM, image.shape, seed=seed, core_px=64)
        estimate = ours.add(image, 2.0)
        assert estimate.moved
        found.append(ours.regions)
    assert found[0] == found[1] != found[2]
    # noise is no structure: one tile is on what is bright, one anywhere else
    assert [region == bright for region in found[0]] == [True, False]


def test_a_tile_moves_to_structure_that_shows_later_and_knows_all_planes():
    rng = np.random.default_rng(5)
    early, late = Region(0, 0, 64, 64), Region(128, 192, 64, 64)
    images = [spots(noise(rng), early, rng, 300) for _ in range(5)]
    images.append(spots(images[-1], late, rng, 4000))
    ours = RegionEstimator(linear, Z_UM, images[0].shape, core_px=64, tiles=2)
    moved = [
        ours.add(image, float(z)) for image, z in zip(images, Z_UM[1:7], strict=True)
    ]
    assert [each.moved for each in moved] == [True, *[False] * 4, True]
    assert ours.regions[0] == late
    # as one that lay there from the start
    there = RegionEstimator(linear, Z_UM, images[0].shape, regions=ours.regions)
    for image, z in zip(images, Z_UM[1:7], strict=True):
        whole = there.add(image, float(z))
    assert moved[-1].delta_relative == pytest.approx(whole.delta_relative, rel=1e-5)
    assert moved[-1].innovation == pytest.approx(whole.innovation, rel=1e-5)


def test_a_blank_first_plane_costs_no_tile():
    rng = np.random.default_rng(6)
    flat = np.full((192, 256), 100, np.uint16)
    ours = RegionEstimator(linear, Z_UM, flat.shape, core_px=64)
    assert ours.add(flat, 1.0).delta is None
    bright = Region(64, 128, 64, 64)
    ours.add(spots(noise(rng), bright, rng), 2.0)
    assert bright in ours.regions and len(ours.regions) >= 2


@pytest.mark.slow
def test_what_one_tile_learns_holds_for_all(stack):
    def make(grid, binning):
        return make_estimator("richardson-lucy", grid, OPTICS)

    given = [Region(0, 0, 40, 40), Region(56, 120, 40, 40)]
    ours = RegionEstimator(make, Z_UM, (96, 160), optics=OPTICS, regions=given)
    for n in ORDER[:3]:
        estimate = ours.add(stack[n], Z_UM[n])
    inner = [tile.estimator for tile in ours._tiles]
    assert inner[0].shares == inner[1].shares == estimate.shares
    assert inner[0].z_scale == inner[1].z_scale == estimate.z_scale
    assert inner[0].dark == inner[1].dark
    assert set(estimate.predictions) >= {"richardson-lucy", "wiener"}


def test_what_binning_hides_is_told_by_a_linear_estimator(stack):
    def make(grid, binning):
        pixel = OPTICS.pixel_size_um * binning
        coarse = OPTICS.model_copy(update={"pixel_size_um": pixel})
        return make_estimator("wiener", grid, coarse)

    given = [Region(0, 0, 96, 64), Region(32, 96, 64, 64)]
    fine, bare, ours = (
        RegionEstimator(make, Z_UM, (96, 160), optics=OPTICS, regions=given, **options)
        for options in ({}, {"binning": 2}, {"binning": 2, "beside": make})
    )
    rng = np.random.default_rng(0)
    for n in ORDER[:4]:
        noisy = stack[n] + rng.normal(0, 60, stack[n].shape)
        told = [one.add(noisy, Z_UM[n]) for one in (fine, bare, ours)]
    for key in ("delta_relative", "innovation_raw"):
        wanted, without, found = (getattr(each, key) for each in told)
        assert without < 0.95 * wanted
        assert found == pytest.approx(wanted, rel=0.05)


def test_tiles_side_by_side_tell_what_they_tell_one_by_one(stack):
    halves, told = [Region(0, 0, 96, 80), Region(0, 80, 96, 80)], []
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            ours = RegionEstimator(linear, Z_UM, (96, 160), regions=halves)
            told.append([ours.add(stack[n], Z_UM[n]) for n in ORDER[:3]][-1])
            assert torch.get_num_threads() == threads
        finally:
            torch.set_num_threads(before)
    assert told[0].delta == told[1].delta
    assert told[0].innovation == told[1].innovation


def test_what_fails_in_a_thread_fails():
    def work(number):
        if number == 2:
            raise ValueError(number)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ValueError, match="2"):
            at_once(work, [1, 2, 3])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_no_more_pieces_are_at_work_than_asked_for_and_they_come_in_order():
    lock, at_work, most, given = threading.Lock(), set(), [], []

    def work(number):
        with lock:
            at_work.add(number)
            most.append(len(at_work))
        both.wait(PATIENCE_S)  # two are at work at the same time, or none goes on
        assert torch.get_num_threads() == 1
        with lock:
            at_work.remove(number)
        return -number

    both, before = threading.Barrier(2), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for made in in_order(work, range(8), 2):
            given.append(made)
            assert len(most) <= len(given) + 3  # what waits is no more than is at work
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert given == [-n for n in range(8)] and max(most) == 2


@pytest.mark.parametrize("how", ["a piece fails", "nobody wants more"])
def test_pieces_at_work_are_ended(how):
    """The second goes on for ever, unless it is ended."""
    begun = threading.Event()

    def work(number):
        if number == 1:
            begun.set()
            while True:
                time.sleep(1e-3)
        begun.wait(PATIENCE_S)
        if how == "a piece fails":
            raise ValueError(number)
        return number

    pieces, before = in_order(work, [0, 1, 2], 2), torch.get_num_threads()
    if how == "a piece fails":
        with pytest.raises(ValueError, match="0"):
            next(pieces)
    else:
        assert next(pieces) == 0
        pieces.close()
    assert torch.get_num_threads() == before
    assert not [t for t in threading.enumerate() if t.name.startswith("part ")]


def test_z_is_no_thinner_than_a_depth_of_field_and_keeps_its_ends():
    fine = np.linspace(-3, 5, 81)
    thin = thinned(fine, OPTICS)
    assert (thin[0], thin[-1]) == (-3, 5) and len(thin) < len(fine)
    assert np.diff(thin).max() <= OPTICS.depth_of_field_um
    assert thinned(thin, OPTICS) is thin
    assert halo_px(None, 3.0) == 0 and halo_px(OPTICS, 3.0) == 16
    assert halo_px(OPTICS, 1000.0) == 64


def test_a_plane_of_another_size_is_refused(stack):
    ours = RegionEstimator(linear, Z_UM, (96, 160))
    with pytest.raises(InputError, match=r"does not fit: \(96, 160\) is needed"):
        ours.add(stack[0][:50], 1.0)


def test_structure_is_light_above_noise():
    rng = np.random.default_rng(1)
    seen = Structure((128, 128))
    seen.see(noise(rng, (128, 128)))
    assert not (seen.seen > 0).any()
    seen.see(spots(noise(rng, (128, 128)), Region(0, 64, 64, 64), rng))
    assert seen.of(Region(0, 64, 64, 64)) > 0 == seen.of(Region(64, 0, 64, 64))


# ---- the whole volume, tile by tile ------------------------------------------------


def tiled(make, images, z_um, core, halo):
    shape = images[0].shape
    plan = plan_memory(shape, len(Z_UM), len(images), lambda s, m: 1, halo=halo)
    plan = type(plan)(shape, len(Z_UM), core, halo, 1, 1, 1)
    made = np.full((len(Z_UM), *shape), np.nan, np.float32)
    numbers = []
    for part in make_in_tiles(make, images, z_um, plan):
        made[:, *part.region.slices] = part.volume
        numbers.append((part.number, part.of))
    assert numbers == [(n, plan.tiles) for n in range(1, plan.tiles + 1)]
    return made


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "apart"), [("linear", 1e-5), ("wiener", 0.1), ("richardson-lucy", 0.15)]
)
def test_a_volume_in_tiles_is_that_made_at_once(stack, name, apart):
    """To a part of what nearest differs by from it, and the seam by less than that."""
    order = ORDER[:3]
    images, z_um = [stack[n][:, :96] for n in order], [float(Z_UM[n]) for n in order]

    def make():
        return make_estimator(name, Z_UM, OPTICS)

    whole = make().add_all(images, z_um)
    made = tiled(make, images, z_um, (96, 48), halo=24)
    other = make_estimator("nearest", Z_UM).add_all(images, z_um)
    unseen = [n for n in range(9) if n not in order]
    unlike = rms((other - whole)[unseen])
    assert rms((made - whole)[unseen]) <= apart * unlike
    # what the seam adds to the step between the pixels on both sides of it
    steps = rms(np.diff(made - whole, axis=2)[unseen][:, :, 47])
    assert steps <= apart / 2 * unlike


def test_tiles_fade_into_each_other_and_leave_no_pixel_out():
    shape, halo = (150, 170), 32
    plan = plan_memory(shape, 9, 1, lambda s, m: 1, halo=halo)
    plan = type(plan)(shape, 9, (64, 64), halo, 1, 1, 1)
    numbers = itertools.count()

    class Counts(LinearEstimator):
        """Every tile is one count brighter than the one before it."""

        def _reconstruct(self):
            return super()._reconstruct() + np.float32(self.number)

        def settle(self, learnt):
            self.number = next(numbers)  # 0 is that of the part that is timed

        number = 0

    image = np.full(shape, 100, np.uint16)
    made = np.full((9, *shape), np.nan, np.float32)
    for part in make_in_tiles(lambda: Counts(Z_UM), [image], [1.0], plan):
        assert np.isnan(made[:, *part.region.slices]).all()
        made[:, *part.region.slices] = part.volume
    # the middles of the tiles as they are, and no step between them
    middles = made[0, [[30], [96], [145]], [[30, 96, 160]]] - 100
    np.testing.assert_allclose(middles, np.arange(1, 10).reshape(3, 3), atol=1e-4)
    assert max(np.abs(np.diff(made, axis=axis)).max() for axis in (1, 2)) < 0.11


def rms(x):
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def test_the_memory_plan_makes_tiles_smaller_until_they_fit():
    def needed(shape, planes):
        return 100 * shape[0] * shape[1]

    sizes = []
    for limit in (1e9, 2e7, 1e7):
        plan = plan_memory((512, 512), 61, 8, needed, halo=32, limit=limit)
        assert plan.tile_bytes + plan.held_bytes <= limit
        assert plan.volume_bytes == 4 * 61 * 512 * 512
        sizes.append(plan.core_px)
    assert sizes[0] == (512, 512) > sizes[1] > sizes[2]
    assert "tiles of" in plan.line and "of 10 MB" in plan.line
    with pytest.raises(InputError, match="even in the smallest tiles"):
        plan_memory((512, 512), 61, 8, needed, halo=32, limit=4e6)


def test_side_by_side_tiles_are_small_and_all_of_them_are_counted():
    def needed(shape, planes):
        return 6000 * shape[0] * shape[1]

    def planned(side, threads, limit):
        shape = side, side
        return plan_memory(shape, 61, 8, needed, halo=16, limit=limit, threads=threads)

    # of one size, however many there are at the same time and however large the picture
    for side, threads in ((512, 1), (512, 2), (1024, 2), (2048, 2), (2048, 8)):
        plan = planned(side, threads, 1e11)
        assert plan.core_px == (256, 256) and plan.together == threads
    assert "64 tiles of 256 × 256 and 16 around, 8 side by side" in plan.line
    assert planned(512, 64, 1e11).together == 4  # no more than there are
    # a wide blur makes them larger: what is around is made for nothing
    wide = plan_memory((2048, 2048), 61, 8, needed, halo=96, limit=1e11, threads=2)
    assert min(wide.core_px) > 256
    # those at work, their results that wait, and the planes
    plan = planned(1024, 2, 1.4e9)
    waits = 4 * 61 * (3 * 272 * 272 + 16 * 1024)
    need = 2 * needed((288, 288), 8) + waits + 2 * 8 * 1024 * 1024
    assert plan.together == 2 and plan.need_bytes == need <= 1.4e9
    # fewer where these do not fit
    for limit in (need - 1, 7e8, 3e8):
        plan = planned(1024, 2, limit)
        assert plan.need_bytes <= limit
        assert plan.together == 1 or plan.core_px < (256, 256)


def test_the_limit_is_told_by_the_environment(monkeypatch):
    monkeypatch.setenv(MEMORY, "3.5")
    assert limit_bytes() == 3.5e9
    for wrong in ("much", "0", "nan"):
        monkeypatch.setenv(MEMORY, wrong)
        with pytest.raises(InputError, match="give a number of GB above 0"):
            limit_bytes()


def test_what_is_planned_is_not_exceeded():
    """Counted allocations of numpy, tile by tile."""
    rng = np.random.default_rng(2)
    images = [noise(rng, (320, 320)) for _ in range(3)]
    grid = np.linspace(0, 8, 33)

    def make():
        return make_estimator("linear", grid)

    need = make().bytes_needed((100, 100), 3)
    plan = plan_memory(
        (320, 320), 33, 3, make().bytes_needed, halo=0, limit=need + 2 * 3 * 320 * 320
    )
    assert plan.tiles > 1
    tracemalloc.start()
    for _part in make_in_tiles(make, images, [1.0, 4.0, 7.0], plan):
        pass
    del _part
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < plan.tile_bytes < plan.volume_bytes
