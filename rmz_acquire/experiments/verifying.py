"""Decides again: the planes of an experiment through the same scan, no microscope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.experiments.replaying import difference, replay
from rmz_acquire.experiments.stored import StoredExperiment
from rmz_acquire.experiments.visits import fresh_scan

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
    stored = StoredExperiment(path)
    prepared = stored.prepared
    count, differences = 0, []
    led: dict[tuple[int, int, int], list[float]] = {}
    for volume in prepared.volumes:
        planes = stored.planes(volume)
        lines = {n["index"]: n for n in stored.decisions(volume)}
        ending = stored.ending(volume)
        by_hand = ending is not None and ending["status"] in ("stopped", "aborted")
        t, p, g, _ = volume.key
        exact = None
        if prepared.settings.channels == "leader" and not volume.single:
            low = min(volume.z_um)
            if (t, p, g) in led:
                exact = [round(z + low, 9) for z in led[t, p, g]]
            led.setdefault((t, p, g), [q.z_requested_um - low for q in planes])
        scan = fresh_scan(prepared, volume, exact)
        for done in replay(scan, planes):
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
            last = by_hand and done.number == len(planes) - 1
            if told is None and line["decision"] != done.decision.decision and not last:
                told = f"decision is {done.decision.decision}, was {line['decision']}"
            if told is not None:
                differences.append(f"{where}: {told}")
    return Verification(count, differences)
