"""An experiment as it lies in its folder: read without a microscope."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.experiments.block import ExperimentSettings
from rmz_acquire.experiments.channel_imaging import Imagings, imagings_of_old
from rmz_acquire.experiments.estimators import Estimators
from rmz_acquire.experiments.grids import with_fields, with_one_field
from rmz_acquire.experiments.keeping import from_json
from rmz_acquire.experiments.layout import lay_out
from rmz_acquire.experiments.old_runs import run_of_old
from rmz_acquire.experiments.prepare import Prepared
from rmz_acquire.experiments.volumes import volumes_of
from rmz_acquire.methods import AUTO
from rmz_acquire.recording.experiment_folder import read_run
from rmz_acquire.recording.old_run import OldRun
from rmz_acquire.scanning import Decision
from rmz_acquire.scanning.output_planes import OutputPlanes

if TYPE_CHECKING:
    import useq
    from numpy.typing import NDArray

    from rmz_acquire.experiments.own import Own
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import Plane

__all__ = ["StoredExperiment", "StoredVolumes"]


def _as_begun(told: dict[str, Any]) -> useq.MDASequence:
    """Give the sequence with what was used, where it named none or an entry point."""
    sequence = from_json(told["sequence"])
    block = sequence.metadata.get("rmz_acquire")
    if not isinstance(block, dict):
        return sequence
    used = {key: told.get(key) for key in ("estimator", "policy", "stop_rule")}
    # a name's class, so that it is read where the package is not installed
    classes = {key: name for key, name in used.items() if name and ":" in name}
    block = {**block, **classes}
    if "regions" not in told:
        # of a version whose scans looked at whole pictures
        block.setdefault("regions", "whole")
    if used["estimator"] is not None and block.get("estimator", AUTO) == AUTO:
        # what the default came to when it was begun
        block["estimator"] = used["estimator"]
    if not told.get("audits"):
        # begun by a version that drew no planes by chance: it goes on without
        block.setdefault("audit", 0.0)
    return sequence.replace(metadata={**sequence.metadata, "rmz_acquire": block})


class StoredVolumes:
    """Reads the volumes of an experiment that is known.

    Parameters
    ----------
    path : path
        Its folder.
    prepared : Prepared
        The experiment.
    """

    def __init__(self, path: Path | str, prepared: Prepared) -> None:
        self.path = Path(path)
        self.prepared = prepared
        self.folder = lay_out(
            path, prepared.volumes, prepared.settings, prepared.imagings
        )

    @property
    def begun(self) -> list[Volume]:
        """The volumes that have a plane."""
        have = self.folder.planes_before
        return [volume for volume in self.prepared.volumes if volume.key in have]

    def optics_of(self, volume: Volume) -> Optics | None:
        """Give the optics that a volume was made with; None where not known."""
        return self.prepared.estimators.optics_of(volume)

    def planes(self, volume: Volume) -> list[Plane]:
        """Give the planes of a volume, in the order taken."""
        return self.folder.planes_of(volume.key)

    def counted(self, volume: Volume) -> list[Plane]:
        """Give those that the estimator was given: not old frames, handed out again."""
        unused = self.folder.unused_before(volume.key)
        planes = enumerate(self.planes(volume))
        return [plane for number, plane in planes if number not in unused]

    def decisions(self, volume: Volume) -> list[dict[str, Any]]:
        """Give the lines of decisions.jsonl; of one made twice, the last."""
        lines = self.folder.decisions_before.get(volume.key, [])
        last = {line["index"]: line for line in lines}
        return [last[index] for index in sorted(last)]

    def decisions_of(self, volume: Volume) -> list[Decision]:
        """Give the same as the scan made them."""
        return [Decision.of_line(line) for line in self.decisions(volume)]

    def ending(self, volume: Volume) -> dict[str, Any] | None:
        """Give how its scan ended: status, reason; None where it did not."""
        return self.folder.volumes_before.get(volume.key)

    def output_planes(self, volume: Volume) -> OutputPlanes | None:
        """Give what is known of every output plane; of older runs, nothing."""
        return OutputPlanes.of_line((self.ending(volume) or {}).get("output_planes"))

    def seen(self, volume: Volume) -> OutputPlanes | None:
        """Give it from planes on disk alone; None before any: not told, or killed."""
        lines = [line for line in self.decisions(volume) if line.get("used", True)]
        if not lines:
            return None
        return OutputPlanes.of_places(
            sorted(volume.z_um),
            [line["z_actual_um"] for line in lines],
            [line.get("innovation") for line in lines],
        )

    def told_of_planes(self, volume: Volume) -> list[dict[str, float | bool | None]]:
        """Give the same plane by plane, for a file; empty where nothing is known."""
        known = self.output_planes(volume)
        return [] if known is None else known.by_plane

    def pixels(self, volume: Volume) -> NDArray[np.float32] | None:
        """Give a volume, (Z, Y, X) camera counts; None where there is none."""
        if volume.single or not self.folder.has_volume(volume.key):
            return None
        return self.folder.volume_of(volume.key, len(volume.z_um))


class StoredExperiment(StoredVolumes):
    """Reads an experiment, also one that was killed.

    Parameters
    ----------
    path : path
        Its folder.
    own : Own, optional
        What it was handed, where that cannot be imported.

    Raises
    ------
    InputError
        If it holds no experiment.
    """

    def __init__(self, path: Path | str, own: Own | None = None) -> None:
        old = OldRun(Path(path)) if OldRun.is_one(Path(path)) else None
        #: The contents of ``run.json``.
        self.told: dict[str, Any] = read_run(path) if old is None else run_of_old(old)
        #: The experiment as it was asked for.
        self.sequence = _as_begun(self.told)
        if own is not None:
            self.sequence = own.into(self.sequence, begun=True)
        #: Whether it is of a version that did not look at each channel.
        self.is_old = "imaging" not in self.told
        settings = ExperimentSettings.of(self.sequence.metadata)
        here_um = self.told["here_um"]
        imagings = self._imagings(here_um)
        sequence = with_fields(self.sequence, imagings, check=False)
        volumes = volumes_of(sequence, here_um)
        imagings = imagings.of_all(volumes)
        #: Name or folder of the model that it began with.
        self.model = self.told.get("model_path") or settings.model or self.told["model"]
        estimators = Estimators(settings, volumes, imagings, self.model, own)
        whole = (-np.inf, np.inf)
        prepared = Prepared(
            sequence, settings, volumes, imagings, estimators, "", whole, 1.0, here_um
        )
        super().__init__(path, prepared)

    def _imagings(self, here_um: float) -> Imagings:
        """As the microscope was looked at; of old, what is known of it at all."""
        if not self.is_old:
            return Imagings.from_list(self.told["imaging"])
        volumes = volumes_of(with_one_field(self.sequence), here_um)
        return imagings_of_old(self.told, self.sequence, volumes)
