"""``rmz-acquire simulate``: a simulated stack and its truth, to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rmz_acquire.cli.console import busy, console
from rmz_acquire.cli.options import Overwrite, Seed, SpecimenName, optics_from, positive
from rmz_acquire.errors import InputError

__all__ = ["simulate"]

_OPTICS = "Optics"


def simulate(
    out: Annotated[
        Path, typer.Argument(metavar="FILE", help="The stack to write, *.ome.tif.")
    ],
    specimen: SpecimenName = "beads",
    seed: Seed = 1,
    size: Annotated[
        int, typer.Option("--size", min=32, max=2048, help="Width and height, pixels.")
    ] = 256,
    planes: Annotated[
        int, typer.Option("--planes", help="Number of planes, two or more.")
    ] = 61,
    exposure_ms: Annotated[
        float, typer.Option("--exposure", help="Exposure of every plane, ms.")
    ] = 20.0,
    z_step: Annotated[
        float,
        typer.Option(help="Distance between planes, µm.", rich_help_panel=_OPTICS),
    ] = 0.5,
    pixel_size: Annotated[
        float, typer.Option(help="Pixel at the sample, µm.", rich_help_panel=_OPTICS)
    ] = 0.325,
    na: Annotated[
        float, typer.Option(help="Numerical aperture.", rich_help_panel=_OPTICS)
    ] = 0.75,
    immersion: Annotated[
        float,
        typer.Option(help="Index of the immersion.", rich_help_panel=_OPTICS),
    ] = 1.0,
    wavelength: Annotated[
        float, typer.Option(help="Emission, µm.", rich_help_panel=_OPTICS)
    ] = 0.52,
    overwrite: Overwrite = False,
) -> None:
    """Write a simulated z-stack (FILE) and its noise-free truth beside it.

    The default optics are those of the first released model: 20×/0.75 air, 520 nm.
    """
    optics = optics_from(
        na=na,
        immersion=immersion,
        wavelength_um=wavelength,
        pixel_size_um=pixel_size,
    )
    assert optics is not None
    positive(z_step, "--z-step")
    positive(exposure_ms, "--exposure", " ms")
    if planes < 2:
        msg = f"--planes must be 2 or more, not {planes}"
        raise InputError(msg)
    name = out.name.removesuffix(".tif").removesuffix(".ome")
    if not out.name.endswith(".tif") or not name:
        msg = f"{out}: name the file *.ome.tif"
        raise InputError(msg)
    truth = out.with_name(f"{name}.truth.ome.tif")
    for path in (out, truth):
        if path.exists() and not overwrite:
            msg = f"{path} is there already: choose another name or give --overwrite"
            raise InputError(msg)
    if not out.parent.is_dir():
        msg = f"{out.parent}: no such folder; make it first"
        raise InputError(msg)

    with busy(f"simulating {planes} planes of {specimen}"):
        from rmz_acquire.simulation.stack import simulate_stack
        from rmz_acquire.stacks import write_stack

        stack = simulate_stack(
            specimen,
            seed,
            optics,
            planes=planes,
            z_step_um=z_step,
            shape=(size, size),
            exposure_ms=exposure_ms,
        )
        for path, data in ((out, stack.counts), (truth, stack.truth)):
            write_stack(path, data, z_step_um=z_step, pixel_size_um=pixel_size)
    console.print(f"stack  {out}", soft_wrap=True)
    console.print(f"truth  {truth}", soft_wrap=True)
    console.print(
        f"try    rmz-acquire replay {out} --na {na:g} --immersion {immersion:g} "
        f"--wavelength {wavelength:g} --truth {truth} --out {name}-run",
        soft_wrap=True,
    )
