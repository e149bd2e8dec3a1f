"""Decides again: the planes of an experiment through the same scan, no microscope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.experiments.estimators import Estimators
from rmz_acquire.experiments.following import Following
from rmz_acquire.experiments.layout import reopen
from rmz_acquire.experiments.prepare import Prepared
from rmz_acquire.experiments.time_lapse import TimeLapse
from rmz_acquire.experiments.visits import difference, fresh_scan
from rmz_acquire.optics import Optics

if TYPE_CHECKING:
    from pathlib import Path

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
    """

    decisions: int
    differences: list[str]


def verify(path: Path | str) -> Verification:
    """Make every decision of an experiment again from its planes, and compare.

    Parameters
    ----------
    path : path
        The experiment's folder.

    Returns
    -------
    Verification

    Raises
    ------
    InputError
        If it holds no experiment, or its model is not there.
    """
    run = reopen(path)
    told, settings, volumes, folder = run.told, run.settings, run.volumes, run.folder
    optics = {
        name: Optics.model_validate(one) for name, one in (told["optics"] or {}).items()
    }
    prepared = Prepared(
        run.sequence,
        settings,
        volumes,
        Estimators(settings, optics),
        "",
        (-np.inf, np.inf),
        1.0,
        told["here_um"],
        told["pixel_size_um"],
    )
    count, differences = 0, []
    following = Following(settings)
    time_lapse = TimeLapse(settings.time_lapse, folder)
    for volume in volumes:
        planes = folder.planes_of(volume.key)
        lines = {n["index"]: n for n in folder.decisions_before.get(volume.key, [])}
        old = time_lapse.old(volume)
        scan = fresh_scan(prepared, volume, following.z_of(volume), old)
        following.note(volume, [plane.z_requested_um for plane in planes])
        for number, plane in enumerate(planes):
            z_um = scan.next_z()
            where = f"volume {volume.key}, plane {number + 1}"
            if z_um is None or abs(z_um - plane.z_requested_um) > 1e-6:
                differences.append(
                    f"{where} was taken at {plane.z_requested_um:g} µm, not at {z_um}"
                )
                break
            decision = scan.observe(plane)
            line = lines.get(number)
            if line is None:
                continue
            count += 1
            said = difference(line, decision)
            ended = line["decision"] != decision.decision
            # the last plane of an aborted scan stopped for another reason
            if ended and "abort" not in line["reason"] and said is None:
                said = f"decision is {decision.decision}, was {line['decision']}"
            if said is not None:
                differences.append(f"{where}: {said}")
        time_lapse.note(volume, scan)
    return Verification(count, differences)
