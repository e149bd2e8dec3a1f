"""What every test stands on: fixed seeds, no screen, and the real stacks if present."""

from __future__ import annotations

import os

# before Qt, matplotlib or pymmcore-plus are imported by anything
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTEST_QT_API", "pyqt6")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("PYMM_LOG_FILE", "none")
# what a test computes is small: more threads mostly wait for each other
os.environ.setdefault("OMP_NUM_THREADS", "1")

import gc
import random
import signal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from patience import Pulse

# torch and what needs it are imported where they are used: the process that hands out
# the tests to those of pytest-xdist runs none
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# a job in the background of a shell is started deaf to ctrl-C, and so are its children
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _seeds() -> None:
    """Start every test from the same random numbers, alone or in the suite."""
    import torch

    random.seed(2)
    np.random.seed(2)
    torch.manual_seed(2)


@pytest.fixture(scope="module", autouse=True)
def _collected_sooner() -> None:
    """What stands already, torch above all, is not looked through again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _reports_are_not_drawn() -> Iterator[None]:
    """To lay one out takes as long as the small run it is of, to draw it five times.

    A picture of one pixel stands for it. What is wrong in a report is logged and spoils
    no run, so that of most runs nobody would be told: `drawn` has them drawn.
    """
    from PIL import Image

    from rmz_acquire.atomic_io import replace_file
    from rmz_acquire.experiments import volume_results

    def undrawn(path: Path, *_: Any, **__: Any) -> None:
        with replace_file(path) as file:
            Image.new("1", (1, 1)).save(file, "png")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(volume_results, "write_report", undrawn)
        yield


@pytest.fixture(scope="session", autouse=True)
def _disks_are_not_waited_for() -> Iterator[None]:
    """No test cuts the power: what a process that ends has written is there without."""
    with pytest.MonkeyPatch.context() as patch:
        # it wants an open file as well
        patch.setattr(os, "fsync", os.fstat)
        yield


@pytest.fixture(scope="session", autouse=True)
def _scenes_are_rendered_once() -> Iterator[None]:
    """Most simulated cameras of a process look at the same specimen."""
    from rmz_acquire.simulation import camera

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(camera, "RenderedScene", lru_cache(3)(camera.RenderedScene))
        yield


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the reports of runs drawn, as in every process that a test starts."""
    from rmz_acquire.experiments import volume_results
    from rmz_acquire.recording import write_report

    monkeypatch.setattr(volume_results, "write_report", write_report)


@pytest.fixture(scope="module")
def few_steps() -> Iterator[None]:
    """A tenth of the steps of richardson-lucy, where nothing hangs on its quality."""
    from rmz_acquire.reconstruction import richardson_lucy

    def fewer(steps: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        return tuple((binning, max(1, n // 10)) for binning, n in steps)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("GOING_ON", "FEW"):
            patch.setattr(richardson_lucy, name, fewer(getattr(richardson_lucy, name)))
        of = richardson_lucy.steps_of
        patch.setattr(richardson_lucy, "steps_of", lambda planes: fewer(of(planes)))
        yield


@pytest.fixture
def pulse() -> Iterator[Pulse]:
    """A clock that is fair to a process on a loaded machine."""
    with Pulse() as clock:
        yield clock


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(2)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the real stacks; the test is skipped where it is absent."""
    told = os.environ.get("RMZ_ACQUIRE_DATA")
    folder = Path(told) if told else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real stacks in {folder}: set RMZ_ACQUIRE_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def wf_nucleus(data_dir: Path) -> Path:
    """A true wide-field stack, 45 × 130 × 133, 40×/1.2 water."""
    path = data_dir / "wf_nucleus_40x12w.tif"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


class _WithoutQt:
    """Stands in for pytest-qt where Qt cannot be loaded: its tests are skipped."""

    @pytest.fixture
    def qapp(self) -> None:
        pytest.skip("Qt cannot be loaded: see scripts/system-packages.sh")

    @pytest.fixture
    def qtbot(self, qapp: None) -> None:
        """Skipped by `qapp`."""


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("pytest-qt"):
        config.pluginmanager.register(_WithoutQt(), "without-qt")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What imports make stays: nothing to collect, and a second of looking for it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
