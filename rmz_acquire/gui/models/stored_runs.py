"""Runs on disk, read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.experiments import StoredExperiment
from rmz_acquire.gui.models.composite import Composite
from rmz_acquire.gui.models.display_levels import contrast_along_z
from rmz_acquire.recording import read_summary
from rmz_acquire.scanning import Region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import useq
    from numpy.typing import NDArray

    from rmz_acquire.experiments import Volume
    from rmz_acquire.optics import Optics
    from rmz_acquire.recording.experiment_folder import Key
    from rmz_acquire.scanning import Decision, Plane, ScanPlan
    from rmz_acquire.scanning.output_planes import OutputPlanes

__all__ = [
    "Ending",
    "StoredRun",
    "StoredVolume",
    "fault_in_words",
    "limits_of",
    "load_run",
    "name_of",
    "sentence",
]


@dataclass(frozen=True, slots=True)
class Ending:
    """How one volume ended.

    Parameters
    ----------
    key : (int, int, int, int)
        t, p, g, c.
    name : str
        Which of a series it is; empty for the only one.
    status, reason : str
        As in `rmz_acquire.scanning.Outcome`; "killed" where it never came to an end.
    taken, full : int
        Planes, and those of the full stack.
    """

    key: Key
    name: str
    status: str
    reason: str
    taken: int
    full: int


@dataclass(frozen=True, slots=True)
class StoredVolume:
    """One volume with everything about it.

    Parameters
    ----------
    ending : Ending
        How it ended.
    z_um : tuple of float
        Its grid, µm.
    planes : sequence of Plane
        In the order taken.
    decisions : sequence of Decision
        One a plane.
    pixels : ndarray of float32, (Z, Y, X), or None
        Camera counts; None where no plane got that far.
    epsilon, tau : float or None
        What it was to stop at; None where its rule does not look at it.
    most : int
        The most planes that it might take.
    pixel_um : float or None
        At the sample.
    estimator : str
        What made it.
    optics : Optics or None
        Of its channel.
    channel : str
        Its label; empty where it has none.
    exact : bool
        Whether it takes its planes whatever they show.
    regions : tuple of Region
        What decided at the end; none where the whole picture did.
    interpolated : Composite or None
        What there is to see of one that is not rendered yet.
    contrast : ndarray, (Z,), or None
        Of the planes of the volume.
    output_planes : OutputPlanes or None
        What is known of them beside.
    shares : mapping or None
        Of each candidate in the volume; None where regions did not decide.
    """

    ending: Ending
    z_um: tuple[float, ...]
    planes: Sequence[Plane]
    decisions: Sequence[Decision]
    pixels: NDArray[np.float32] | None
    epsilon: float | None
    tau: float | None
    most: int
    pixel_um: float | None
    estimator: str
    optics: Optics | None
    channel: str = ""
    exact: bool = False
    regions: tuple[Region, ...] = ()
    interpolated: Composite | None = None
    contrast: NDArray[np.float64] | None = None
    output_planes: OutputPlanes | None = None
    shares: Mapping[str, float] | None = None

    @property
    def shown(self) -> NDArray[np.float32] | Composite | None:
        """What there is to see of it."""
        return self.interpolated if self.pixels is None else self.pixels

    def told_of(
        self, volume: NDArray[np.float32]
    ) -> list[dict[str, float | bool | None]]:
        """Say what is known of each plane of a volume; nothing of another one."""
        known = self.output_planes
        return [] if known is None or volume is not self.pixels else known.by_plane

    @property
    def made(self) -> bool:
        """Whether there is a volume."""
        return self.pixels is not None

    @property
    def z_left(self) -> bool:
        """Whether its grid has a z that no plane was taken at."""
        taken = [plane.z_requested_um for plane in self.planes]
        return any(min(abs(z - t) for t in taken) > 1e-6 for z in self.z_um if taken)


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as it lies in its folder.

    Parameters
    ----------
    folder : Path
        Where it lies.
    status, reason : str
        How the whole of it ended.
    endings : sequence of Ending
        Of every volume that has a plane.
    shown : StoredVolume or None
        One of them, read whole; None where nothing was taken.
    experiment : bool
        Whether it is of a microscope, so that it can go on.
    complete : bool
        Whether every volume that it was to have has come to its end.
    to_render : int
        Volumes whose planes are all taken, and which are not rendered yet.
    """

    folder: Path
    status: str
    reason: str
    endings: Sequence[Ending]
    shown: StoredVolume | None
    experiment: bool
    complete: bool
    to_render: int = 0

    @property
    def renders(self) -> bool:
        """Whether nothing but volumes to be rendered is left of it."""
        return self.complete and self.to_render > 0


def load_run(folder: Path, key: Key | None = None) -> StoredRun:
    """Read a run.

    Parameters
    ----------
    folder : Path
        Of the run.
    key : (int, int, int, int), optional
        The volume to read whole; by default the last.

    Raises
    ------
    InputError
        If the folder holds none.
    """
    stored = StoredExperiment(folder)
    status, reason = "killed", "it was interrupted before its end"
    if (summary := read_summary(folder)) is not None:
        status, reason = summary.status, summary.reason
    endings, volumes = [], stored.prepared.volumes
    begun = [volume for volume in stored.begun if not volume.single]
    for volume in begun:
        ended = stored.ending(volume) or {}
        endings.append(
            Ending(
                volume.key,
                name_of(volume, stored.prepared.sequence, volumes),
                ended.get("status", "killed"),
                ended.get("reason", "it was interrupted before its end"),
                len(stored.folder.planes_before[volume.key]),
                len(volume.z_um),
            )
        )
    complete = all(stored.folder.done(volume.key) for volume in volumes)
    shown = None
    for volume, ending in zip(begun, endings, strict=True):
        if key is None or volume.key == key:
            shown = volume, ending
    return StoredRun(
        folder,
        status,
        reason,
        endings,
        None if shown is None else _volume(stored, *shown),
        experiment="microscope" in stored.told,
        complete=complete,
        to_render=sum(stored.folder.to_render(volume.key) for volume in begun),
    )


def sentence(run: StoredRun) -> tuple[str, str]:
    """Say why a run ended: in a few words, and in a sentence with the numbers.

    Of one that came to no good end, also what is on disk of it.
    """
    taken = sum(ending.taken for ending in run.endings)
    full = sum(ending.full for ending in run.endings)
    status, reason = run.status, run.reason
    only = len(run.endings) == 1 and not run.endings[0].name
    if only and status in ("completed", "stopped", "aborted"):
        # of the only volume there is more to tell
        status, reason = run.endings[0].status, run.endings[0].reason
    head = _HEADS.get(status, status)
    said = [f"{reason[:1].upper()}{reason[1:]}."]
    if full:
        stack = "stack's" if len(run.endings) == 1 else "stacks'"
        cost = f"Took {taken} of the full {stack} {full} planes"
        said.append(f"{cost}, {taken / full:.0%} of the light.")
    if status in ("aborted", "failed", "killed"):
        said.append(_kept(run, taken))
    if run.to_render:
        are = "Its volume is" if run.to_render == 1 else f"{run.to_render} volumes are"
        said.append(f"{are} not rendered yet.")
    spoilt = [d for d in run.shown.decisions if d.frame] if run.shown else []
    if spoilt:
        count = f"{len(spoilt)} plane{'' if len(spoilt) == 1 else 's'}"
        said.append(f"Problems: {count}. {fault_in_words(spoilt[0])}")
    warned = [d.warning for d in run.shown.decisions if d.warning] if run.shown else []
    if warned and status != "misfit":
        said.append(f"{warned[0][:1].upper()}{warned[0][1:]}.")
    return head, " ".join(said)


def limits_of(plan: ScanPlan) -> tuple[float | None, float | None]:
    """Give the relative change and the innovation at which a plan stops; None: neither.

    Of a rule of somebody else's these are what the plan says, whatever it looks at.
    """
    if plan.stop_rule == "target" or plan.z_exact_um is not None:
        return None, None
    relative = plan.epsilon_kind == "relative"
    return plan.epsilon if relative else None, plan.innovation_limit


def fault_in_words(decision: Decision) -> str:
    """Say what is wrong with the frame of a plane; empty where nothing is."""
    if decision.frame is None:
        return ""
    return f"The plane at z {decision.z_requested_um:g} µm {decision.frame}."


def _kept(run: StoredRun, taken: int) -> str:
    """Say what of a run that was cut short is on disk."""
    if not taken:
        return f"Nothing was taken; its settings are in {run.folder.name}."
    planes = f"{taken} plane{'' if taken == 1 else 's'}"
    made = run.shown is not None and run.shown.pixels is not None
    if made:
        return f"On disk in {run.folder.name}: {planes} and the volume made of them."
    return f"On disk in {run.folder.name}: {planes}, no volume yet."


_HEADS = {
    "completed": "Done: every volume was taken",
    "converged": "Done: the volume stopped changing",
    "max_planes": "Stopped at the largest number of planes allowed",
    "budget": "Stopped at the most light or time allowed",
    "list_done": "Done",
    "misfit": "Stopped: the optics do not explain the planes",
    "stopped": "Stopped by hand, everything kept",
    "aborted": "Aborted",
    "failed": "Failed",
    "killed": "Interrupted: it can be resumed",
}


def name_of(volume: Volume, sequence: useq.MDASequence, volumes: list[Volume]) -> str:
    """Say which volume of a series it is; empty where there is only one."""
    parts = []
    t, p, g, _ = volume.key
    for axis, number, word in ((0, t, "time"), (1, p, "position"), (2, g, "field")):
        if not any(other.key[axis] for other in volumes):
            continue
        name = f"{word} {number + 1}"
        if axis == 1:
            name = sequence.stage_positions[p].name or name
        parts.append(name)
    if any(other.key[3] for other in volumes):
        parts.append(volume.channel or "camera")
    return " · ".join(parts)


def _volume(stored: StoredExperiment, volume: Volume, ending: Ending) -> StoredVolume:
    settings = stored.prepared.settings
    plan = volume.plan(settings)
    exact = plan.z_exact_um
    planes, decisions = stored.planes(volume), stored.decisions_of(volume)
    pixels = stored.pixels(volume)
    told = [decision.regions for decision in decisions if decision.regions]
    regions = tuple(Region(*one) for one in told[-1]) if told else ()
    interpolated = None
    if pixels is None and regions:
        interpolated = Composite(planes, plan.z_um, decided_on=regions)
    return StoredVolume(
        ending,
        plan.z_um,
        planes,
        decisions,
        pixels,
        *limits_of(plan),
        plan.max_planes if exact is None else len(exact),
        stored.prepared.pixel_size_of(volume),
        settings.estimator,
        stored.optics_of(volume),
        volume.channel or "",
        regions=regions,
        interpolated=interpolated,
        contrast=None if pixels is None else contrast_along_z(pixels),
        output_planes=stored.output_planes(volume),
        shares=(stored.ending(volume) or {}).get("shares"),
    )
