"""An experiment as it lies in its folder: read without a microscope."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import useq

from rmz_acquire.experiments.estimators import Estimators
from rmz_acquire.experiments.layout import lay_out
from rmz_acquire.experiments.prepare import Prepared, channel_of
from rmz_acquire.experiments.settings import ExperimentSettings
from rmz_acquire.experiments.volumes import volumes_of
from rmz_acquire.optics import Optics
from rmz_acquire.recording.experiment import read_run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.scanning import Plane

__all__ = ["StoredExperiment"]


class StoredExperiment:
    """Reads an experiment, also one that was killed.

    Parameters
    ----------
    path : path
        Its folder.

    Raises
    ------
    InputError
        If it holds no experiment.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        #: The contents of ``run.json``.
        self.told: dict[str, Any] = read_run(path)
        sequence = useq.MDASequence.model_validate(self.told["sequence"])
        settings = ExperimentSettings.of(sequence.metadata)
        #: By the name of the channel.
        self.optics = {
            name: Optics.model_validate(one)
            for name, one in (self.told["optics"] or {}).items()
        }
        volumes = volumes_of(sequence, self.told["here_um"])
        uses = [(channel_of(v), v.z_um) for v in volumes if not v.single]
        self.prepared = Prepared(
            sequence,
            settings,
            volumes,
            Estimators(settings, self.optics, uses),
            "",
            (-np.inf, np.inf),
            1.0,
            self.told["here_um"],
            self.told["pixel_size_um"],
        )
        self.folder = lay_out(
            path, self.prepared.volumes, settings, self.prepared.pixel_size_um
        )

    @property
    def begun(self) -> list[Volume]:
        """The volumes that have a plane."""
        have = self.folder.planes_before
        return [volume for volume in self.prepared.volumes if volume.key in have]

    def planes(self, volume: Volume) -> list[Plane]:
        """Give the planes of a volume, in the order taken."""
        return self.folder.planes_of(volume.key)

    def decisions(self, volume: Volume) -> list[dict[str, Any]]:
        """Give the lines of decisions.jsonl; of one made twice, the last."""
        lines = self.folder.decisions_before.get(volume.key, [])
        last = {line["index"]: line for line in lines}
        return [last[index] for index in sorted(last)]

    def ending(self, volume: Volume) -> dict[str, Any] | None:
        """Give how its scan ended: status, reason; None where it did not."""
        return self.folder.volumes_before.get(volume.key)

    def pixels(self, volume: Volume) -> NDArray[np.float32] | None:
        """Give a volume, (Z, Y, X) camera counts; None where there is none."""
        if volume.single or self.ending(volume) is None:
            return None
        return self.folder.volume_of(volume.key, len(volume.z_um))
