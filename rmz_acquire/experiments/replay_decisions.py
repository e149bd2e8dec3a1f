"""Gives the planes of a volume to a fresh scan, as they came to the one before it.

What somebody wanted of a scan beside its plan (a plane by hand, going on past its stop)
is written down with the planes that came of it, so they alone tell the whole story.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rmz_acquire.recording.experiment_folder import Key
    from rmz_acquire.scanning import Decision, Plane, Scan

__all__ = ["Further", "Replayed", "difference", "replay"]

# what a line of decisions.jsonl tells that the planes alone decide
_DECIDED = ("z_requested_um", "delta", "delta_relative", "innovation", "gap_um")
_EXACT = 1e-6


@dataclass(frozen=True, slots=True)
class Further:
    """What somebody wants of a volume that has ended.

    Parameters
    ----------
    key : (int, int, int, int)
        t, p, g, c of the volume.
    planes : int
        So many more planes, no more and no fewer, wherever the policy wants them.
    z_um : tuple of float
        Planes at exactly these z, µm, before anything else.
    """

    key: Key
    planes: int = 0
    z_um: tuple[float, ...] = ()

    def ask(self, scan: Scan) -> None:
        """Ask a scan for it, whose last plane is under way."""
        for z_um in self.z_um:
            scan.ask(z_um, again=True)
        scan.go_on(len(self.z_um) + self.planes)


@dataclass(frozen=True, slots=True)
class Replayed:
    """A plane that was taken before, and what a fresh scan makes of it.

    Parameters
    ----------
    number : int
        From 0.
    plane : Plane
        As it was taken.
    decision : Decision or None
        None where the scan would not have taken this plane.
    wanted_um : float or None
        Where the scan would have taken it, µm.
    """

    number: int
    plane: Plane
    decision: Decision | None
    wanted_um: float | None


def replay(
    scan: Scan,
    planes: Sequence[Plane],
    further: Further | None = None,
    lines: Mapping[int, Mapping[str, Any]] | None = None,
) -> Iterator[Replayed]:
    """Give planes to a scan, one by one.

    Parameters
    ----------
    scan : Scan
        Fresh.
    planes : sequence of Plane
        In the order taken.
    further : Further, optional
        What is wanted after them.
    lines : mapping, optional
        What was decided on each, by its number: which of the planes that were exposed
        ahead of a decision were passed over after it.

    Yields
    ------
    Replayed
        Ends with the first plane that the scan would not have taken.
    """
    known = {number: line.get("wanted", True) for number, line in (lines or {}).items()}
    # what follows one of these, was wanted while it was under way
    asked = [n for n in range(len(planes)) if known.get(n, True)]
    while further is not None and planes[asked[-1]].ahead and asked[-1] not in known:
        asked.pop()
    following = dict(pairwise(asked))
    with scan.replaying():
        if planes and planes[0].chosen_by == "hand":
            scan.ask(planes[0].z_requested_um, again=True)
        for number, plane in enumerate(planes):
            if plane.ahead and not known.get(number, scan.wants(plane)):
                made = scan.pass_over(plane)
                yield Replayed(number, plane, made, plane.z_requested_um)
                continue
            z_um = scan.next_z(ahead=plane.ahead)
            if z_um is None or abs(z_um - plane.z_requested_um) > _EXACT:
                yield Replayed(number, plane, None, z_um)
                return
            if (after := following.get(number)) is None:
                if further is not None:
                    further.ask(scan)
            elif planes[after].chosen_by == "hand":
                scan.ask(planes[after].z_requested_um, again=True)
            elif planes[after].chosen_by == "more":
                scan.go_on(1)
            else:
                scan.as_planned()
            yield Replayed(number, plane, scan.observe(plane), z_um)


def difference(line: dict[str, Any], decision: Decision) -> str | None:
    """Say in what a decision is not the one that is written down; None if it is."""
    made = decision.to_dict()
    if "innovation_raw" not in line:  # of a version that left the noise in
        made["innovation"] = made["innovation_raw"]
    for name in _DECIDED:
        a, b = line[name], made[name]
        if a is None or b is None:
            same = a is b
        else:
            same = abs(a - b) <= _EXACT * max(1e-12, abs(a))
        if not same:
            return f"{name} is {b}, was {a}: the estimator is not the same"
    return None
