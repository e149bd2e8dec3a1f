"""``rmz-acquire reconstruct``: the volume once more, by another estimator or grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmz_acquire.cli.checks import check_estimator, check_optics
from rmz_acquire.cli.console import busy, console, stderr
from rmz_acquire.cli.flags import RANGE, flagged
from rmz_acquire.cli.options import (
    NA,
    Device,
    EstimatorName,
    Immersion,
    Model,
    PixelSize,
    SampleIndex,
    Strict,
    Wavelength,
    ZStep,
    optics_from,
    parse_z,
    positive,
)
from rmz_acquire.cli.running import estimator_for
from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.recording import Summary

__all__ = ["reconstruct"]


def reconstruct(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="Folder of a run, or a stack of the planes taken."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The volume to write, *.ome.tif.")],
    estimator: EstimatorName = "recurrent-mz",
    model: Model = None,
    strict: Strict = False,
    device: Device = "auto",
    z: Annotated[
        str | None,
        typer.Option(
            "--z",
            metavar="Z,Z,...",
            help="Of a stack: z of each plane in it, µm, in their order.",
        ),
    ] = None,
    bottom: Annotated[
        float | None,
        typer.Option("--bottom", help="Lowest output plane, µm. [default: the run's]"),
    ] = None,
    top: Annotated[
        float | None,
        typer.Option("--top", help="Highest output plane, µm. [default: the run's]"),
    ] = None,
    z_step: ZStep = None,
    na: NA = None,
    immersion: Immersion = None,
    wavelength: Wavelength = None,
    pixel_size: PixelSize = None,
    sample_index: SampleIndex = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file.")
    ] = False,
) -> None:
    """Make a volume of planes that were taken before, with any estimator and z grid.

    Of a run, z, grid and optics are read from its files; also of one that was killed,
    where --bottom, --top and --z-step give the grid.
    """
    if out.exists() and not overwrite:
        msg = f"{out} exists: choose another --out, or give --overwrite"
        raise InputError(msg)
    if not out.name.endswith((".tif", ".tiff")):
        msg = f"--out {out}: the volume is a TIFF, name it *.ome.tif"
        raise InputError(msg)
    for value, option in ((z_step, "--z-step"), (pixel_size, "--pixel-size")):
        if value is not None:
            positive(value, option)
    listed = parse_z(z)
    check_estimator(estimator, model=model, device=device)
    with busy("reading"):
        from rmz_acquire.recording import write_volume

        planes, summary = _planes(source, listed)
        told = _told(summary)
    if pixel_size is None and told is not None:
        pixel_size = told.pixel_size_um
    given = optics_from(
        na=na,
        immersion=immersion,
        wavelength_um=wavelength,
        pixel_size_um=pixel_size,
        sample_index=sample_index,
    )
    with flagged(RANGE):
        grid = _grid(planes, summary, bottom, top, z_step)
    check_optics(estimator, given or told)
    made = estimator_for(
        estimator, grid, given or told, model=model, device=device, strict=strict
    )
    for number, (image, z_um) in enumerate(planes, 1):
        if stderr.is_terminal:
            stderr.print(f"plane {number} of {len(planes)} at {z_um:g} µm")
        made.add(image, z_um)
    volume = made.volume
    if volume is None:
        msg = f"{source} holds no planes to make a volume of"
        raise InputError(msg)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_volume(out, volume, grid, pixel_size_um=pixel_size)
    console.print(
        f"volume  {out}: {len(grid)} planes of {volume.shape[1]} × {volume.shape[2]} "
        f"pixels from {len(planes)}, by {made.name}",
        soft_wrap=True,
    )


def _planes(
    source: Path, listed: tuple[float, ...] | None
) -> tuple[list[tuple[NDArray[Any], float]], Summary | None]:
    """Images with their z, in the order taken; and what the run tells of itself."""
    from rmz_acquire.recording import Summary, read_planes
    from rmz_acquire.stacks import read_stack

    store = source / "planes.ome.zarr"
    if store.is_dir():
        if listed is not None:
            msg = "--z is for a stack: the planes of a run have their own z"
            raise InputError(msg)
        file = source / "summary.json"
        summary = None
        if file.is_file():
            try:
                summary = Summary.model_validate_json(file.read_text("utf-8"))
            except ValueError as error:
                msg = f"{file} is not that of a run of one volume"
                raise InputError(msg) from error
        return [(plane.image, plane.z_um) for plane in read_planes(store)], summary
    if source.is_dir() and not (source / "zarr.json").is_file():
        msg = f"{source} holds no run: name a folder with planes.ome.zarr, or a stack"
        raise InputError(msg)
    stack = read_stack(source).data
    if listed is None or len(listed) != len(stack):
        said = "no" if listed is None else f"{len(listed)}"
        msg = f"{source} has {len(stack)} planes, --z {said} positions: give one each"
        raise InputError(msg)
    return list(zip(stack, listed, strict=True)), None


def _told(summary: Summary | None) -> Optics | None:
    from rmz_acquire.optics import Optics

    if summary is None or summary.optics is None:
        return None
    return Optics.model_validate(summary.optics)


def _grid(
    planes: Sequence[tuple[NDArray[Any], float]],
    summary: Summary | None,
    bottom: float | None,
    top: float | None,
    step: float | None,
) -> list[float]:
    """Output z, µm: those of the run, unless others are given."""
    from rmz_acquire.scanning import ScanPlan

    z = [float(value) for value in summary.z_um] if summary is not None else []
    if z and bottom is None and top is None and step is None:
        return z
    if not planes:
        msg = "there are no planes in it"
        raise InputError(msg)
    taken = z or [z_um for _, z_um in planes]
    if step is None and len(z) > 1:
        step = (z[-1] - z[0]) / (len(z) - 1)
    if step is None:
        msg = "the distance of the output planes is not known: give --z-step"
        raise InputError(msg)
    low = min(taken) if bottom is None else bottom
    high = max(taken) if top is None else top
    return list(ScanPlan.from_range(low, high, step).z_um)
