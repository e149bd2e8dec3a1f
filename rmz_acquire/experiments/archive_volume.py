"""One volume made again of planes on disk: found, made, written beside what tells how.

What `reconstruct` does to one volume, and what each worker does to each of an archive.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.stored import StoredExperiment
from rmz_acquire.methods import METHODS
from rmz_acquire.models import LoadedModel, load_model
from rmz_acquire.plugins import ESTIMATOR, load
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.recording import Comparison, Remade, is_run
from rmz_acquire.scanning import ScanPlan, own_estimator
from rmz_acquire.stacks import Given, read_stack, write_volume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import Estimator
    from rmz_acquire.stacks import Stack

__all__ = [
    "Found",
    "Made",
    "VolumeJob",
    "find",
    "grid_of",
    "make_volume",
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

    @property
    def told_in(self) -> Path:
        """What tells how it was made; written last."""
        return self.out.with_name(f"{self.out.name}.json")


@dataclass(frozen=True, slots=True)
class Made:
    """A volume that was written.

    Parameters
    ----------
    told : Remade
        What stands beside it.
    name : str
        Of the estimator.
    shape : tuple of int
        (Z, Y, X).
    """

    told: Remade
    name: str
    shape: tuple[int, ...]


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
    stack = _stack(source, listed, pixel_size_um, names)
    if stack.z_um is None:
        msg = f"{source} has {len(stack.data)} planes, z_um no positions: "
        raise InputError(f"{msg}give one each")
    taken = tuple(stack.z_um[i] for i in _places(stack))
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


def make_volume(
    job: VolumeJob, on_plane: Callable[[int, int, float], None] | None = None
) -> Made:
    """Make it, plane by plane in the order taken, and write it whole or not at all.

    Parameters
    ----------
    job : VolumeJob
        What.
    on_plane : callable, optional
        Is told the number of a plane, of how many, and its z, before it is given.

    Returns
    -------
    Made

    Raises
    ------
    InputError
        Where there is nothing to make it of.
    OSError
        If the disk does not take it.
    """
    planes = _planes(job)
    estimator = _estimator(job)
    compared = []
    for number, (image, z_um) in enumerate(planes, 1):
        if on_plane is not None:
            on_plane(number, len(planes), z_um)
        compared.append(Comparison.of(estimator.add(image, z_um)))
    volume = estimator.volume
    if volume is None:
        msg = f"{job.source} holds no planes to make a volume of"
        raise InputError(msg)
    remade = Remade.of(
        job.source,
        estimator.describe(),
        job.z_um,
        [z_um for _, z_um in planes],
        compared,
    )
    job.out.parent.mkdir(parents=True, exist_ok=True)
    # what tells of an older one would tell of this one until its own is there
    job.told_in.unlink(missing_ok=True)
    write_volume(
        job.out,
        volume,
        job.z_um,
        pixel_size_um=job.pixel_size_um,
        optics=job.optics,
        channel=job.channel,
    )
    remade.write(job.told_in)
    return Made(remade, estimator.name, volume.shape)


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


def _stack(
    source: Path,
    listed: tuple[float, ...] | None,
    pixel_size_um: float | None,
    names: Mapping[str, str] | None = None,
) -> Stack:
    given = Given(z_um=listed, pixel_size_um=pixel_size_um, names=dict(names or {}))
    return read_stack(source, given, repeats=True)


def _places(stack: Stack) -> Sequence[int]:
    """Where its planes stand in it, in the order taken."""
    return sorted(range(len(stack.data)), key=lambda i: stack.order[i])


def _planes(job: VolumeJob) -> list[tuple[NDArray[Any], float]]:
    """Planes with their z, µm, in the order taken."""
    if job.key is None:
        stack = _stack(job.source, job.listed_z_um, job.pixel_size_um)
        assert stack.z_um is not None
        return [(stack.data[i], stack.z_um[i]) for i in _places(stack)]
    stored = StoredExperiment(job.source)
    (volume,) = (v for v in stored.begun if v.key == job.key)
    return [(plane.image, plane.z_um) for plane in stored.counted(volume)]


def _estimator(job: VolumeJob) -> Estimator:
    if job.estimator not in METHODS:
        made = load(ESTIMATOR, job.estimator)
        return own_estimator(made, job.z_um, job.optics)
    model = None if job.model is None else _loaded(job.model)
    return make_estimator(
        job.estimator, job.z_um, job.optics, model=model, device=job.device
    )


@lru_cache(maxsize=2)
def _loaded(model: str) -> LoadedModel:
    return load_model(model)
