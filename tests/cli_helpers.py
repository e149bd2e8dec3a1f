"""What the tests of the command line share: run one, and look at how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tifffile

from rmz_acquire.cli import main
from rmz_acquire.models import ModelCard, save_model
from rmz_acquire.networks import RecurrentMZ, RecurrentMZConfig
from rmz_acquire.optics import Optics

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
GOOD = {
    "--na": "0.75",
    "--immersion": "1",
    "--wavelength": "0.52",
    "--pixel-size": "0.325",
    "--z-step": "0.5",
}


def words(options: dict[str, str | None]) -> list[str]:
    """Options as a command line; None leaves one out, "" makes a flag."""
    return [
        word
        for name, value in options.items()
        if value is not None
        for word in ([name, value] if value else [name])
    ]


def replay(stack: Path, out: Path, **changes: str | None) -> list[str]:
    """A whole `replay`, with changes such as z_step="0"."""
    named = {f"--{k.replace('_', '-')}": v for k, v in changes.items()}
    options = {**GOOD, "--estimator": "linear", **named}
    return ["replay", str(stack), "--out", str(out), *words(options)]


def refused(args: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run what must be refused: 2, one line on stderr, nothing on stdout."""
    code = main(args)
    said = capsys.readouterr()
    assert code == 2, said
    assert said.out == ""
    lines = [x for x in said.err.splitlines() if not x.startswith("warning: ")]
    assert len(lines) == 1, said.err
    assert lines[0].startswith("error: ")
    assert "Traceback" not in said.err
    return lines[0].removeprefix("error: ")


def write_stack_of_discs(path: Path, planes: int = 9, side: int = 40) -> Path:
    """A stack in which a disc goes in and out of focus."""
    y, x = np.mgrid[:side, :side] - side / 2
    sharp = np.arange(planes) - (planes - 1) / 2
    radius = 3 + 1.5 * np.abs(sharp)[:, None, None]
    disc = np.exp(-(x**2 + y**2) / radius**2) * 9 / radius**2
    noise = np.random.default_rng(4).normal(0, 2, disc.shape)
    tifffile.imwrite(path, np.rint(100 + 2000 * disc + noise).astype(np.uint16))
    return path


def write_model(folder: Path, optics: Optics = OPTICS) -> Path:
    """An untrained model, whose output is its prior."""
    config = RecurrentMZConfig(
        levels=2, base_channels=4, norm="group", groups=2, prior="wiener"
    )
    card = ModelCard(
        name=folder.name,
        description="untrained",
        network=config,
        optics=optics,
        z_range_um=4,
        z_step_um=0.5,
        largest_gap_um=2,
        planes=(1, 4),
        order="any",
        dz_unit="blur radius in pixels",
        normalisation="percentiles",
        data="none",
        training={},
        date="2026-01-01",
        sha256="",
    )
    save_model(folder, RecurrentMZ(config), card)
    return folder
