"""Planes on disk that volumes can be made of again: found, without a pixel of a run.

Loads nothing that computes: what is wrong with a source is said at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.recording.folder import is_run
from rmz_acquire.scanning.plan import ScanPlan
from rmz_acquire.stacks import Given, read_stack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.optics import Optics
    from rmz_acquire.stacks import Stack

__all__ = [
    "Found",
    "VolumeJob",
    "find",
    "grid_of",
    "places_of",
    "stack_of",
    "volume_name",
]

Key = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """Planes to make a volume of, and what is known of them.

    Parameters
    ----------
    source : Path
        Folder of a run, or a stack.
    key : tuple of int or None
        Of the volume of a run.
    name, title : str
        Of that volume, for a file and for people; empty for a stack.
    z_taken_um : tuple of float
        Where the planes were taken, in their order, µm.
    told : Optics or Stack or None
        What tells the optics.
    pixel_size_um : float or None
        At the sample.
    pixel_before_um : float or None
        The same as a run tells it, where another was given.
    channel : str or None
        Its name.
    z_um : tuple of float
        The grid; empty where it is not known.
    """

    source: Path
    key: Key | None
    name: str
    title: str
    z_taken_um: tuple[float, ...]
    told: Optics | Stack | None
    pixel_size_um: float | None
    pixel_before_um: float | None
    channel: str | None
    z_um: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class VolumeJob:
    """All that it takes to make one volume, wherever the files can be read.

    Parameters
    ----------
    source : Path
        Folder of a run, or a stack.
    key : tuple of int or None
        Of the volume of a run.
    listed_z_um : tuple of float or None
        Of a stack: where its planes were taken, where that was given.
    z_um : tuple of float
        The output grid, µm.
    optics : Optics or None
        The microscope.
    pixel_size_um : float or None
        At the sample.
    channel : str or None
        Its name.
    estimator : str
        One of ours, or ``package.module:Class``.
    model : str or None
        Name or folder, of a network.
    device : str
        Of torch.
    out : Path
        The volume; what tells how it was made gets its name and ``.json``.
    plugins : Path, optional
        Folder from which somebody else's may be imported, on any machine.
    spread : bool
        Whether the spread of the candidates is wanted, too, beside the volume.
    """

    source: Path
    key: Key | None
    listed_z_um: tuple[float, ...] | None
    z_um: tuple[float, ...]
    optics: Optics | None
    pixel_size_um: float | None
    channel: str | None
    estimator: str
    model: str | None
    device: str
    out: Path
    plugins: Path | None = None
    spread: bool = False

    @property
    def told_in(self) -> Path:
        """What tells how it was made; written last."""
        return self.out.with_name(f"{self.out.name}.json")

    @property
    def spread_in(self) -> Path:
        """Where the spread goes: ``volume.spread.ome.tif``."""
        ome = ".ome" if self.out.stem.endswith(".ome") else ""
        stem = self.out.stem.removesuffix(ome)
        return self.out.with_name(f"{stem}.spread{ome}{self.out.suffix}")


def find(
    source: Path,
    listed: tuple[float, ...] | None = None,
    pixel_size_um: float | None = None,
    which: Mapping[str, int | str | None] | None = None,
    names: Mapping[str, str] | None = None,
) -> list[Found]:
    """Find planes with their z in a run, also one that was killed, or in a stack.

    Parameters
    ----------
    source : Path
        Either.
    listed : tuple of float, optional
        Of a stack: z of each of its planes, µm.
    pixel_size_um : float, optional
        Where the files do not tell it.
    which : mapping, optional
        Time point t, position p, field g and channel c of a run; None for any.
    names : mapping, optional
        What a stack's arguments are called in messages.

    Returns
    -------
    list of Found
        Of a run one for each volume that was begun.

    Raises
    ------
    InputError
        If it is neither, or is damaged.
    """
    chosen = {a: value for a, value in (which or {}).items() if value is not None}
    if is_run(source):
        if listed is not None:
            msg = "z_um is for a stack: the planes of a run have their own z"
            raise InputError(msg)
        return _of_run(source, pixel_size_um, chosen)
    if chosen:
        msg = "time, position, field and channel are of a run, not of a stack"
        raise InputError(msg)
    if source.is_dir() and not any(
        (source / name).is_file() for name in ("zarr.json", ".zattrs")
    ):
        msg = f"{source} holds no run: name a folder with planes.ome.zarr, or a stack"
        raise InputError(msg)
    stack = stack_of(source, listed, pixel_size_um, names)
    if stack.z_um is None:
        msg = f"{source} has {len(stack.data)} planes, z_um no positions: "
        raise InputError(f"{msg}give one each")
    taken = tuple(stack.z_um[i] for i in places_of(stack))
    pixel = stack.pixel_size_um
    return [Found(source, None, "", "", taken, stack, pixel, None, stack.channel, ())]


def grid_of(
    found: Found,
    bottom_um: float | None = None,
    top_um: float | None = None,
    step_um: float | None = None,
) -> tuple[float, ...]:
    """Output z, µm: those of the run, unless others are given.

    Raises
    ------
    InputError
        Where nothing tells their distance.
    """
    z = found.z_um
    if z and bottom_um is None and top_um is None and step_um is None:
        return z
    if not found.z_taken_um:
        msg = "there are no planes in it"
        raise InputError(msg)
    taken = z or found.z_taken_um
    if step_um is None and len(z) > 1:
        step_um = (z[-1] - z[0]) / (len(z) - 1)
    if step_um is None:
        msg = "the distance of the output planes is not known: give step_um"
        raise InputError(msg)
    low = min(taken) if bottom_um is None else bottom_um
    high = max(taken) if top_um is None else top_um
    return ScanPlan.from_range(low, high, step_um).z_um


def volume_name(volume: Volume) -> str:
    """Of a volume for a file: "t0000-p0001-c0-GFP"; no two of a run have the same."""
    t, p, g, c = volume.key
    field = f"-g{g:04d}" if "g" in volume.index else ""
    channel = "".join(c if c.isalnum() else "_" for c in volume.channel or "")
    name = f"t{t:04d}-p{p:04d}{field}"
    return f"{name}-c{c}-{channel}" if channel else name


def _of_run(
    source: Path, pixel_size_um: float | None, which: Mapping[str, int | str]
) -> list[Found]:
    from rmz_acquire.experiments.stored import StoredExperiment

    stored = StoredExperiment(source)
    known = not stored.told.get("grid_unknown", False)
    found = []
    for volume in stored.begun:
        if volume.single or not _chosen(volume, which):
            continue
        unused = stored.folder.unused_before(volume.key)
        lines = stored.folder.planes_before[volume.key]
        taken = [
            float(line["z_actual_um"])
            for number, line in enumerate(lines)
            if number not in unused
        ]
        pixel = stored.prepared.pixel_size_of(volume)
        found.append(
            Found(
                source,
                volume.key,
                volume_name(volume),
                volume.name,
                tuple(taken),
                stored.optics_of(volume),
                pixel if pixel_size_um is None else pixel_size_um,
                None if pixel_size_um is None else pixel,
                volume.channel,
                tuple(sorted(volume.z_um)) if known else (),
            )
        )
    return found


def _chosen(volume: Volume, which: Mapping[str, int | str]) -> bool:
    return all(
        value == (volume.channel if axis == "c" else volume.key["tpgc".index(axis)])
        for axis, value in which.items()
    )


def stack_of(
    source: Path,
    listed: tuple[float, ...] | None,
    pixel_size_um: float | None,
    names: Mapping[str, str] | None = None,
) -> Stack:
    """Read a stack of planes that were taken, in any order; arguments as of `find`."""
    given = Given(z_um=listed, pixel_size_um=pixel_size_um, names=dict(names or {}))
    return read_stack(source, given, repeats=True)


def places_of(stack: Stack) -> Sequence[int]:
    """Where its planes stand in it, in the order taken."""
    return sorted(range(len(stack.data)), key=lambda i: stack.order[i])
