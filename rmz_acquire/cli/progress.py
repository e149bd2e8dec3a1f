"""A line on the terminal that says which plane of which volume a run is at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from rmz_acquire.cli.console import stderr, warn
from rmz_acquire.experiments.callbacks import Watcher

if TYPE_CHECKING:
    from rmz_acquire.experiments.callbacks import Rendered
    from rmz_acquire.experiments.prepare import Prepared
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording.experiment_folder import ExperimentFolder
    from rmz_acquire.scanning import Decision, Estimate

__all__ = ["RunProgress"]

_MOST_TOLD = 20


class RunProgress(Watcher):
    """Shows how a run goes, and warns of planes that are not as they should be.

    Use it as a context.

    Parameters
    ----------
    most : int, optional
        The most planes that it may take, where that is known.
    """

    def __init__(self, most: int | None = None) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(30),
            TextColumn("{task.completed:.0f} planes"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=stderr,
            transient=True,
            disable=not stderr.is_terminal,
        )
        self._task = self._bar.add_task("scan", total=most, note="")
        self._spoilt = 0
        self._what = ""

    def __enter__(self) -> Self:
        """Begin to show it."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Show it no more; say how many planes were not warned of."""
        self._bar.stop()
        if self._spoilt > _MOST_TOLD:
            said = f"{self._spoilt} planes like that in all"
            warn(f"{said}: see frame in decisions.jsonl")

    def begin(self, prepared: Prepared, folder: ExperimentFolder) -> None:
        """Say what memory it will take, where that is much."""
        for line in prepared.estimators.memory:
            stderr.print(f"memory   {line}", markup=False, soft_wrap=True)

    def rendered(self, how_far: Rendered) -> None:
        """How far the volumes are that are made behind the scan."""
        if self._what != "volumes":
            return
        part = how_far.done + how_far.part
        left = "" if how_far.left_s is None else f"{how_far.left_s:.0f} s left"
        said = f"{part / how_far.of:.0%} of {how_far.of}"
        self._bar.update(self._task, description="volumes", note=f"{said} {left}")

    def step(self, what: str) -> None:
        """What begins."""
        self._what = what
        self._bar.update(self._task, description=what, note="")

    def decision(
        self, volume: Volume, decision: Decision, estimate: Estimate | None
    ) -> None:
        """One plane more."""
        change = decision.delta_relative
        note = "" if change is None else f"change {change:.1%}"
        many = volume.number > 0 or bool(volume.index)
        name = volume.name if many else "scan"
        self._bar.update(self._task, advance=1, description=name, note=note)
        where = f"{volume.name}: " if many else ""
        # why a single volume ended is told at the end
        told = None if many else decision.reason
        if decision.warning not in (None, told):
            warn(f"{where}{decision.warning}")
        if decision.frame is None:
            return
        self._spoilt += 1
        if self._spoilt <= _MOST_TOLD:
            z_um = decision.z_requested_um
            warn(f"{where}the plane at z {z_um:g} µm {decision.frame}")
