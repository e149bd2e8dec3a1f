"""``rmz-acquire reconstruct``: the volume once more, by another estimator or grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmz_acquire.cli.checks import check_estimator, check_optics
from rmz_acquire.cli.console import busy, console, stderr, warn
from rmz_acquire.cli.flags import RANGE, STACK, flagged
from rmz_acquire.cli.optics_file import OpticsFile, optics_told
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
    parse_z,
    positive,
)
from rmz_acquire.cli.result import predicted
from rmz_acquire.cli.running import estimator_for
from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.experiments import Volume
    from rmz_acquire.optics import Optics
    from rmz_acquire.stacks import Stack

__all__ = ["reconstruct"]


def reconstruct(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="Folder of a run, or a stack of the planes taken."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The volume to write, *.ome.tif.")],
    estimator: EstimatorName = None,
    model: Model = None,
    strict: Strict = False,
    device: Device = "auto",
    z: Annotated[
        str | None,
        typer.Option(
            "--z",
            metavar="Z,Z,...",
            help="Of a stack: z of each plane in it, µm, in their order. "
            "[default: as the file has it]",
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
    time: Annotated[
        int | None,
        typer.Option("--time", help="Of a run of several: time point, from 0."),
    ] = None,
    position: Annotated[
        int | None, typer.Option("--position", help="The same: position, from 0.")
    ] = None,
    field: Annotated[
        int | None, typer.Option("--field", help="The same: field of a grid, from 0.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", help="The same: name of the channel.")
    ] = None,
    optics_file: OpticsFile = None,
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

    Of a run, z, grid, voxel and optics are read from its files, also of one that was
    killed; where it has several volumes, options choose one. Of a stack, they are read
    from the file as far as it has them. In a file beside the volume stands what it is
    made of: VOLUME.ome.tif.json.
    """
    told_in = out.with_name(f"{out.name}.json")
    for file in (out, told_in):
        if file.exists() and not overwrite:
            msg = f"{file} exists: choose another --out, or give --overwrite"
            raise InputError(msg)
    if not out.name.endswith((".tif", ".tiff")):
        msg = f"--out {out}: the volume is a TIFF, name it *.ome.tif"
        raise InputError(msg)
    for value, option in ((z_step, "--z-step"), (pixel_size, "--pixel-size")):
        if value is not None:
            positive(value, option)
    listed = parse_z(z)
    estimator = check_estimator(estimator, model=model, device=device)
    with busy("reading"):
        from rmz_acquire.recording import Comparison, Remade
        from rmz_acquire.stacks import write_volume

        which = {"t": time, "p": position, "g": field, "c": channel}
        found = _find(source, listed, pixel_size, which)
    pixel, planes = found.pixel_size_um, found.planes
    optics = optics_told(
        optics_file,
        found.told,
        na=na,
        immersion=immersion,
        wavelength_um=wavelength,
        pixel_size_um=pixel,
        sample_index=sample_index,
    )
    with flagged(RANGE):
        grid = _grid(planes, found.z_um, bottom, top, z_step)
    check_optics(estimator, optics)
    made = estimator_for(
        estimator, grid, optics, model=model, device=device, strict=strict
    )
    compared = []
    for number, (image, z_um) in enumerate(planes, 1):
        if stderr.is_terminal:
            stderr.print(f"plane {number} of {len(planes)} at {z_um:g} µm")
        compared.append(Comparison.of(made.add(image, z_um)))
    volume = made.volume
    if volume is None:
        msg = f"{source} holds no planes to make a volume of"
        raise InputError(msg)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_volume(
        out, volume, grid, pixel_size_um=pixel, optics=optics, channel=found.channel
    )
    taken = [z_um for _, z_um in planes]
    remade = Remade.of(source, made.describe(), grid, taken, compared)
    remade.write(told_in)
    facts = predicted(remade.candidates, remade.z_scale)
    facts["files"] = (
        f"{out}: {len(grid)} planes of {volume.shape[1]} × {volume.shape[2]} pixels "
        f"from {len(planes)}, by {made.name}; {told_in.name} tells how"
    )
    for label, said in facts.items():
        console.print(f"{label:8} {said}", markup=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class _Found:
    """Planes to make a volume of: in the order taken, and what is known of them."""

    planes: list[tuple[NDArray[Any], float]]
    told: Optics | Stack | None
    pixel_size_um: float | None
    channel: str | None
    #: The grid; empty where it is not known.
    z_um: list[float]


def _find(
    source: Path,
    listed: tuple[float, ...] | None,
    pixel_size: float | None,
    which: dict[str, int | str | None],
) -> _Found:
    """Find planes with their z in a run, or in a stack."""
    from rmz_acquire.recording import is_run
    from rmz_acquire.stacks import Given, read_stack

    if is_run(source):
        if listed is not None:
            msg = "--z is for a stack: the planes of a run have their own z"
            raise InputError(msg)
        return _of_run(source, pixel_size, which)
    if any(value is not None for value in which.values()):
        msg = "--time, --position, --field and --channel are for a run, not for a stack"
        raise InputError(msg)
    if source.is_dir() and not any(
        (source / name).is_file() for name in ("zarr.json", ".zattrs")
    ):
        msg = f"{source} holds no run: name a folder with planes.ome.zarr, or a stack"
        raise InputError(msg)
    names = {key: STACK[key] for key in ("z_um", "pixel_size_um")}
    given = Given(z_um=listed, pixel_size_um=pixel_size, names=names)
    stack = read_stack(source, given, repeats=True)
    if stack.z_um is None:
        msg = f"{source} has {len(stack.data)} planes, --z no positions: give one each"
        raise InputError(msg)
    places = sorted(range(len(stack.data)), key=lambda i: stack.order[i])
    planes = [(stack.data[i], stack.z_um[i]) for i in places]
    return _Found(planes, stack, stack.pixel_size_um, stack.channel, [])


def _of_run(
    source: Path, pixel_size: float | None, which: dict[str, int | str | None]
) -> _Found:
    """Find the planes of one volume of a run, also of one that was killed."""
    from rmz_acquire.experiments import StoredExperiment

    stored = StoredExperiment(source)
    volume = _choose(source, [v for v in stored.begun if not v.single], which)
    planes = [(plane.image, plane.z_um) for plane in stored.counted(volume)]
    optics = stored.optics_of(volume)
    pixel = stored.prepared.pixel_size_of(volume)
    if pixel_size is not None:
        # optics have their own say on it
        if optics is None and pixel and abs(pixel_size / pixel - 1) > 0.02:
            warn(
                f"--pixel-size is {pixel_size:g}, it was {pixel:.4g}: taking the former"
            )
        pixel = pixel_size
    known = not stored.told.get("grid_unknown", False)
    z_um = sorted(volume.z_um) if known else []
    return _Found(planes, optics, pixel, volume.channel, z_um)


def _choose(
    source: Path, volumes: list[Volume], which: dict[str, int | str | None]
) -> Volume:
    """Give the only volume that the options leave."""
    left = volumes
    for axis, value in which.items():
        if value is not None:
            left = [
                volume
                for volume in left
                if value
                == (volume.channel if axis == "c" else volume.key["tpgc".index(axis)])
            ]
    if len(left) == 1:
        return left[0]
    if not volumes:
        msg = f"{source} holds no planes to make a volume of"
    elif not left:
        msg = f"{source} has no such volume: it has {volumes[0].name} to "
        msg += volumes[-1].name
    else:
        msg = f"{source} has {len(left)} volumes, {left[0].name} to {left[-1].name}: "
        msg += "choose one with --time, --position, --field and --channel"
    raise InputError(msg)


def _grid(
    planes: Sequence[tuple[NDArray[Any], float]],
    known: Sequence[float],
    bottom: float | None,
    top: float | None,
    step: float | None,
) -> list[float]:
    """Output z, µm: those of the run, unless others are given."""
    from rmz_acquire.scanning import ScanPlan

    z = [float(value) for value in known]
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
