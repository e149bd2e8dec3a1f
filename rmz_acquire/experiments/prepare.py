"""Everything about an experiment that is known before there is any light.

What can be known by asking is asked first. Then, on a `Bench`, every channel is set as
the experiment will set it, to see how it is imaged, and everything is brought back.
What cannot go well is refused, with the key in the file that says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.acquisition.preflight import check_free
from rmz_acquire.experiments.asking import ask
from rmz_acquire.experiments.block import ExperimentSettings
from rmz_acquire.experiments.channel_check import image_volumes, with_cameras
from rmz_acquire.experiments.estimators import Estimators
from rmz_acquire.experiments.grids import with_fields
from rmz_acquire.experiments.volumes import Volume, volumes_of

if TYPE_CHECKING:
    import useq
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.experiments.channel_imaging import Imagings
    from rmz_acquire.experiments.own import Own

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An experiment that may begin.

    Parameters
    ----------
    sequence : useq.MDASequence
        With the size of the camera's field in its grids.
    settings : ExperimentSettings
        Our block.
    volumes : list of Volume
        In the order taken.
    imagings : Imagings
        How each of them is imaged.
    estimators : Estimators
        For each of them.
    stage : str
        Label of the focus stage.
    limits_um : (float, float)
        Where the stage may be sent.
    tolerance_um : float
        How far from its target it may stand.
    here_um : float
        Where the stage stood.
    """

    sequence: useq.MDASequence
    settings: ExperimentSettings
    volumes: list[Volume]
    imagings: Imagings
    estimators: Estimators
    stage: str
    limits_um: tuple[float, float]
    tolerance_um: float
    here_um: float

    @property
    def only_volume(self) -> Volume | None:
        """The volume of a run of one; None where there are more, or a single plane."""
        one = len(self.volumes) == 1 and not self.volumes[0].single
        return self.volumes[0] if one else None

    def pixel_size_of(self, volume: Volume) -> float | None:
        """Give the pixel size of a volume at the sample, µm; None where not known."""
        return self.imagings.of(volume).pixel_size_um


def prepare(
    core: CMMCorePlus,
    sequence: useq.MDASequence,
    here_um: float | None = None,
    model: str | None = None,
    own: Own | None = None,
) -> Prepared:
    """Check an experiment against the microscope that it will run on.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope; what is set on it to see how a channel is imaged is brought
        back. There is no light, and no stage moves.
    sequence : useq.MDASequence
        The experiment.
    here_um : float, optional
        Where the stage stood when the experiment began, µm; by default where it
        stands.
    model : str, optional
        Name or folder of the model that it began with.
    own : Own, optional
        What was handed over; the block has its names.

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        In one line that names the key.
    """
    check_free(core)
    settings = ExperimentSettings.of(sequence.metadata)
    asked = ask(core, sequence, settings, here_um, model, own)
    set_up = with_cameras(core, sequence, asked.volumes)
    imagings = image_volumes(core, sequence, set_up, settings)
    sequence = with_fields(sequence, imagings)
    volumes = with_cameras(core, sequence, volumes_of(sequence, asked.here_um))
    imagings = imagings.of_all(volumes)
    estimators = Estimators(settings, volumes, imagings, model, own)
    estimators.check()
    return Prepared(
        sequence,
        settings,
        volumes,
        imagings,
        estimators,
        asked.stage,
        asked.limits_um,
        settings.stage.tolerance_um or asked.least_step_um / 2,
        asked.here_um,
    )
