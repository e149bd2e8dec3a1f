"""Decides again: the planes of an experiment through the same scan, no microscope."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.experiments.earlier_exposures import recall
from rmz_acquire.experiments.follower_channels import Following
from rmz_acquire.experiments.replay_decisions import difference, replay
from rmz_acquire.experiments.stored import StoredExperiment
from rmz_acquire.experiments.time_lapse import TimeLapse
from rmz_acquire.experiments.volume_tasks import fresh_scan
from rmz_acquire.methods import METHODS
from rmz_acquire.scanning import Carrying, RecentFrames

if TYPE_CHECKING:
    from pathlib import Path

    from rmz_acquire.experiments.own import Own
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.scanning import Scan

__all__ = ["Verification", "verify"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of deciding again.

    Parameters
    ----------
    decisions : int
        How many were made again.
    differences : list of str
        In what they differ from those on disk, one line each.
    order : dict of str to float
        By the names of volumes: by how much the volume differs that is made of the
        same planes in reverse order, over its light. 0 for an estimator that forgets
        no plane and remembers no order; none of volumes that regions decide on.
    """

    decisions: int
    differences: list[str]
    order: dict[str, float] = field(default_factory=dict)


def verify(
    path: Path | str, own: Own | None = None, *, reverse: bool = False
) -> Verification:
    """Make every decision of an experiment again from its planes, and compare.

    Parameters
    ----------
    path : path
        The experiment's folder.
    own : Own, optional
        What it was handed, where that cannot be imported.
    reverse : bool
        Also make each volume once of its planes in reverse order; of our estimators.

    Returns
    -------
    Verification

    Raises
    ------
    InputError
        If it holds no experiment, or its model is not there.
    """
    stored = StoredExperiment(path, own)
    prepared = stored.prepared
    count, differences = 0, []
    order: dict[str, float] = {}
    following = Following(prepared.settings, stored.folder)
    time_lapse = TimeLapse(prepared.settings.time_lapse, stored.folder)
    frames = RecentFrames()
    for volume in prepared.volumes:
        planes = stored.planes(volume)
        lines = {n["index"]: n for n in stored.decisions(volume)}
        ending = stored.ending(volume)
        status = None if ending is None else ending["status"]
        # by somebody, or by what its planes do not tell
        from_outside = status in ("stopped", "aborted", "failed")
        exact = following.z_of(volume)
        if exact is not None and status == "list_done":
            # the one that leads may have gone on since
            exact = exact[: len(following.taken(volume))]
        old = time_lapse.old(volume)
        if planes:
            recall(frames, stored.folder, prepared.volumes, volume)
        scan = fresh_scan(prepared, volume, exact, old, frames=frames)
        following.note(volume, following.counted(volume))
        passed = [n for n, line in lines.items() if not line.get("wanted", True)]
        final = max(set(range(len(planes))) - set(passed), default=0)
        for done in replay(scan, planes, lines=lines):
            where = f"volume {volume.key}, plane {done.number + 1}"
            if done.decision is None:
                at = done.plane.z_requested_um
                said = f"was taken at {at:g} µm, not at {done.wanted_um}"
                differences.append(f"{where} {said}")
                break
            line = lines.get(done.number)
            if line is None:
                continue
            count += 1
            told = difference(line, done.decision)
            # the last plane of a scan that somebody ended stopped for that reason
            last = from_outside and done.number >= final
            if told is None and line["decision"] != done.decision.decision and not last:
                told = f"decision is {done.decision.decision}, was {line['decision']}"
            if told is not None:
                differences.append(f"{where}: {told}")
        time_lapse.note(volume, scan)
        ours = prepared.settings.estimator in METHODS and not volume.single
        changed = _reversed_change(stored, volume, scan) if reverse and ours else None
        if changed is not None:
            order[volume.name] = changed
    return Verification(count, differences, order)


def _reversed_change(
    stored: StoredExperiment, volume: Volume, scan: Scan
) -> float | None:
    """By how much a volume changes, over its light, if its planes came in reverse."""
    made, planes = scan.volume, stored.counted(volume)
    if made is None or isinstance(scan.estimator, Carrying) or len(planes) < 2:
        return None
    again = stored.prepared.estimators.make(volume, scan.plan.z_um)
    for plane in reversed(planes):
        again.add(plane.image, plane.z_um)
    other = again.volume
    dark = min(each.frame.background for each in scan.observed)
    light = float(np.linalg.norm(made - np.float32(dark)))
    if other is None or light <= 0:
        return None
    return float(np.linalg.norm(made - other)) / light
