"""What an experiment runs on, as the run sees it: a microscope, or a recorded stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import useq

    from rmz_acquire.acquisition import Control, VolumeTask
    from rmz_acquire.experiments.own import Own
    from rmz_acquire.experiments.prepare import Prepared
    from rmz_acquire.experiments.stored import StoredExperiment
    from rmz_acquire.experiments.tally import Tally
    from rmz_acquire.experiments.volume_tasks import VolumeTasks

__all__ = ["Instrument", "Taken"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of taking planes, beside the scans' own outcomes.

    Parameters
    ----------
    task : VolumeTask or None
        The volume that it was at last; None where it came to none.
    problems : list of str
        What went wrong outside of any scan.
    focus_lock : str or None
        What became of a focus lock that was on; None where none was.
    autofocus_failures : list of str
        Where the hardware autofocus failed and the experiment went on.
    """

    task: VolumeTask | None
    problems: list[str] = field(default_factory=list)
    focus_lock: str | None = None
    autofocus_failures: list[str] = field(default_factory=list)


class Instrument(Protocol):
    """Checks an experiment against what it will run on, and takes its planes."""

    def prepare(self, sequence: useq.MDASequence, own: Own) -> Prepared:
        """Check an experiment that begins, before anything moves.

        Raises
        ------
        InputError
            In one line that names the key.
        """

    def prepare_again(
        self,
        stored: StoredExperiment,
        own: Own,
        same: Callable[[Prepared], Prepared],
    ) -> Prepared:
        """Check one that goes on, with everything set as it began.

        Parameters
        ----------
        stored : StoredExperiment
            As it lies on disk.
        own : Own
            What was handed over.
        same : callable
            Refuses what is not as it was; what was set is then set back.

        Raises
        ------
        InputError
            Naming what differs.
        """

    def state(self, prepared: Prepared) -> dict[str, Any]:
        """Give how it stands, as ``run.json`` keeps it."""

    def clock_s(self) -> float:
        """Seconds on the clock of the events."""

    def take(
        self,
        prepared: Prepared,
        tasks: VolumeTasks,
        tally: Tally,
        control: Control,
        *,
        resumed: bool,
    ) -> Taken:
        """Take the planes of every volume; the calling thread waits.

        Parameters
        ----------
        prepared : Prepared
            The experiment.
        tasks : VolumeTasks
            Its volumes, one after the other.
        tally : Tally
            Is told of focus corrections.
        control : Control
            Ends it from another thread.
        resumed : bool
            Whether an experiment that had ended goes on.
        """
