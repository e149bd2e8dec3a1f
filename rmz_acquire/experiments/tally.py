"""What became of an experiment: counted as it goes, told at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from rmz_acquire.recording import (
    Comparison,
    Summary,
    candidates_of,
    versions,
    with_shares,
    z_scale_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rmz_acquire.experiments.prepare import Prepared
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording import Compared
    from rmz_acquire.recording.experiment_folder import (
        ExperimentFolder,
        Key,
        VolumeRecord,
    )
    from rmz_acquire.scanning import Outcome, Scan

__all__ = ["Tally"]

_LATE_S = 0.25


class Tally:
    """Counts volumes and planes; what lay on disk before counts too.

    Parameters
    ----------
    prepared : Prepared
        The experiment.
    folder : ExperimentFolder
        Its record.
    """

    def __init__(self, prepared: Prepared, folder: ExperimentFolder) -> None:
        self._prepared = prepared
        self._planes: dict[Key, tuple[int, float | None]] = {}
        self._done: set[Key] = set()
        self._ahead: dict[Key, int] = {}
        self._late: dict[int, float] = {}
        self._checks: dict[Key, list[float | None]] = {}
        self._findings: dict[Key, list[str]] = {}
        self._compared: dict[Key, dict[str, Any]] = {}
        self._changed: dict[Key, str] = {}
        #: What autofocus had found, by position, µm.
        self.corrections_um: dict[int | None, float] = {}
        for volume in prepared.volumes:
            lines = folder.planes_before.get(volume.key, [])
            if not lines:
                continue
            self._count(volume.key, [line["exposure_ms"] for line in lines])
            if folder.done(volume.key):
                self._done.add(volume.key)
            made = folder.decisions_before.get(volume.key, [])
            # of one made twice, the last
            once = {line["index"]: Comparison.of_line(line) for line in made}
            self._note_compared(volume, list(once.values()))
            passed = (line for line in made if not line.get("wanted", True))
            self._ahead[volume.key] = len({line["index"] for line in passed})
            line = folder.volumes_before.get(volume.key, {})
            if line.get("shares"):
                self.note_shares({volume.key: line["shares"]})
            self._note_late(volume.key, line)
            self._note_dropped(volume, line.get("dropped"))
            self._note_check(volume, folder.checks_before.get(volume.key, []))
            self.corrections_um[volume.index.get("p")] = lines[-1]["z_shift_um"]

    def add(
        self, volume: Volume | None, record: VolumeRecord | None, scan: Scan
    ) -> None:
        """Count a volume that has come to its end."""
        if volume is None or record is None:
            return
        taken = max(scan.planes_taken, record.planes)
        if taken == 0:
            return
        self._count(volume.key, [d.exposure_ms for d in scan.decisions])
        self._note_compared(volume, scan.decisions)
        self._ahead[volume.key] = sum(not d.wanted for d in scan.decisions)
        if taken > self._planes[volume.key][0]:
            # one was taken and not decided upon
            self._planes[volume.key] = (taken, None)
        if scan.outcome is not None and scan.outcome.ok:
            self._done.add(volume.key)
        self._note_late(volume.key, {"late_s": record.late_s})
        self._note_dropped(volume, record.dropped)

    def note_shares(self, shares: Mapping[Key, Mapping[str, float]]) -> None:
        """Take what volumes are made of that were rendered after their scans."""
        for key, each in shares.items():
            if known := self._compared.get(key):
                known["candidates"] = with_shares(known["candidates"], each)

    def add_check(self, volume: Volume, record: VolumeRecord) -> None:
        """Count the planes of a volume's check and note what it found."""
        if record.check:
            self._note_check(volume, record.check)

    def summary(
        self,
        outcome: Outcome | None,
        *,
        reason: str | None,
        enough: str | None,
        to_render: int,
        problems: list[str],
        focus_lock: str | None,
        autofocus: list[str],
        started: datetime,
        wall_s: float,
    ) -> Summary:
        """Sum up.

        Parameters
        ----------
        outcome : Outcome or None
            Of the last scan.
        reason : str or None
            Why it was aborted, if it was.
        enough : str or None
            Why no more was wanted, if it was stopped so.
        to_render : int
            Volumes whose planes are taken, and which are not made yet.
        problems : list of str
            What went wrong outside of any scan.
        focus_lock : str or None
            What became of the focus lock.
        autofocus : list of str
            Where the autofocus failed.
        started : datetime
            UTC.
        wall_s : float
            Of this run.
        """
        volumes = self._prepared.volumes
        taken = sum(count for count, _ in self._planes.values())
        full = sum(len(v.z_um) for v in volumes if v.key in self._planes)
        planes = f"{taken} plane{'' if taken == 1 else 's'}"
        counted = f"{len(self._done)} of {len(volumes)} volumes, {planes}"
        error: str | None = None
        status: Literal["completed", "stopped", "aborted", "failed"] = "completed"
        said = f"all {len(volumes)} volumes are taken, {taken} planes of {full}"
        if ahead := sum(self._ahead.values()):
            said = f"{said}, {ahead} of them exposed ahead and not used"
        if outcome is not None and outcome.status == "failed":
            status, error = "failed", outcome.error
            said = f"failed after {counted}: {outcome.error}"
        elif enough is not None and reason is None:
            status, said = "stopped", f"{enough} after {counted}"
        elif reason is not None or (outcome is not None and not outcome.ok):
            status = "aborted"
            said = f"{reason or (outcome.reason if outcome else '')} after {counted}"
        elif len(self._done) < len(volumes) and not problems:
            status, error = "failed", "the acquisition ended before the experiment did"
            said = f"{error}: {counted}"
        if problems:
            more = "; ".join(dict.fromkeys(problems))
            said = f"{said}; afterwards {more}" if status != "completed" else more
            status, error = "failed", error or more
        if to_render:
            are = "volume is" if to_render == 1 else "volumes are"
            said = f"{said}; {to_render} {are} not made yet: resume makes what is left"
        checks = [ms for every in self._checks.values() for ms in every]
        doses = [*(dose for _, dose in self._planes.values()), *checks]
        known = [dose for dose in doses if dose is not None]
        complete = bool(known) and len(known) == len(doses)
        full_dose = sum(
            dose / count * len(v.z_um)
            for v in volumes
            if v.key in self._planes
            for count, dose in [self._planes[v.key]]
            if dose is not None
        )
        return Summary(
            status=status,
            reason=said,
            error=error,
            volumes=len(volumes),
            volumes_done=len(self._done),
            volumes_to_render=to_render,
            planes_taken=taken,
            planes_full_scan=full,
            check_planes=len(checks),
            planes_ahead=ahead,
            dose_ms=sum(known) if complete else None,
            dose_full_scan_ms=full_dose if complete else None,
            late=[{"t": t, "late_s": s} for t, s in sorted(self._late.items())],
            focus_lock=focus_lock,
            autofocus_failures=autofocus,
            findings=[
                *self._changed.values(),
                *(text for every in self._findings.values() for text in every),
            ],
            compared=[
                self._compared[v.key] for v in volumes if v.key in self._compared
            ],
            started=started,
            wall_s=wall_s,
            **self._prepared.estimators.describe(),
            versions=versions(),
        )

    def _count(self, key: Key, exposures: list[float | None]) -> None:
        known = [ms for ms in exposures if ms is not None]
        complete = len(known) == len(exposures)
        self._planes[key] = (len(exposures), sum(known) if complete else None)

    def _note_compared(self, volume: Volume, planes: Sequence[Compared]) -> None:
        t, p, g, c = volume.key
        found = {"candidates": candidates_of(planes), "z_scale": z_scale_of(planes)}
        if any(value is not None for value in found.values()):
            self._compared[volume.key] = {"t": t, "p": p, "g": g, "c": c, **found}

    def _note_dropped(self, volume: Volume, why: str | None) -> None:
        if why is not None:
            said = f"{volume.name}: {why}; what was known of it is dropped"
            self._changed[volume.key] = said

    def _note_check(self, volume: Volume, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            if line["number"] is not None:
                continue
            said = [f"{volume.name}, {text}" for text in line["findings"]]
            self._findings[volume.key] = said
        taken = [line["exposure_ms"] for line in lines if line["number"] is not None]
        self._checks[volume.key] = taken

    def _note_late(self, key: Key, line: dict[str, Any]) -> None:
        late_s = line.get("late_s")
        if late_s is not None and late_s > _LATE_S:
            self._late[key[0]] = late_s
