"""What a user asks of a training in the window, and what came of it. No Qt.

The window does what the commands do: stacks as by ``acquire-stacks``, a model as by
``finetune``, which runs as another process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.evaluation.verdict import Verdict, verdict
from rmz_acquire.installing import install_line, missing
from rmz_acquire.models import read_card

if TYPE_CHECKING:
    from rmz_acquire.experiments.dense_stacks import Position
    from rmz_acquire.gui.models.scan_settings import ScanSettings
    from rmz_acquire.optics import Optics

__all__ = [
    "LENGTHS",
    "StackSettings",
    "TrainedModel",
    "TrainingSettings",
    "can_go_on",
    "time_left",
]

LENGTHS = {"Short": 300, "Normal": 1000, "Long": 4000}
"""Steps by how long somebody wants to wait."""

_FEWEST = 3
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class StackSettings:
    """Dense stacks as they are asked for.

    Parameters
    ----------
    scan : ScanSettings
        The form of the scan: its range, step, exposure and channel are used.
    places : tuple of Position
        Where; none means one stack where the stage stands.
    folder : Path
        Where to: a new one.
    pixel_size_um : float or None
        At the sample, µm, where it is typed in; else the microscope tells it.
    is_pixel_told : bool
        Whether the microscope tells one.
    """

    scan: ScanSettings
    places: tuple[Position, ...]
    folder: Path
    pixel_size_um: float | None
    is_pixel_told: bool = False

    def problem(self) -> str | None:
        """Say in one line what is wrong, if something is."""
        lacking = _lacking()
        if lacking is not None:
            # before there is light on the specimen
            return lacking
        found = self.scan.problems()
        for key in ("bottom_um", "top_um", "step_um", "exposure_ms"):
            if key in found:
                return found[key]
        if not self.pixel_size_um and not self.is_pixel_told:
            return "the pixel size is not known: type it in under Scan"
        return None

    def middle_um(self, focus_um: float) -> float:
        """Middle of a stack, µm, where the focus stands at `focus_um`."""
        bottom, top = self.scan.bottom_um or 0.0, self.scan.top_um or 0.0
        return (bottom + top) / 2 + (focus_um if self.scan.relative else 0.0)

    def words(self) -> str:
        """Say what a stack is."""
        planes = self.scan.full_planes
        bottom, top = self.scan.bottom_um, self.scan.top_um
        if planes is None or bottom is None or top is None:
            return "Set top and bottom of the range under Scan first."
        light = planes * self.scan.exposure_ms
        amount = f"{light / 1000:.3g} s" if light >= 1000 else f"{light:.3g} ms"
        return (
            f"A stack is {planes} planes over {top - bottom:.4g} µm (the range of "
            f"Scan), {amount} of light."
        )


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """A fine-tuning as it is asked for.

    Parameters
    ----------
    model : str or None
        Name or folder of the model to start from.
    stacks : tuple of Path
        To learn from and to be judged by.
    name : str
        Of the new model.
    steps : int
        How long.
    folder : Path
        Of the run.
    optics : Optics or None
        Of the microscope; None for those of the model's card.
    """

    model: str | None
    stacks: tuple[Path, ...]
    name: str
    steps: int
    folder: Path
    optics: Optics | None = None

    def problem(self) -> str | None:
        """Say in one line what is wrong, if something is."""
        lacking = _lacking()
        if lacking is not None:
            return lacking
        if self.model is None:
            return "choose a model to start from"
        if len(self.stacks) < _FEWEST:
            n = len(self.stacks)
            return f"{n} of {_FEWEST} stacks: take or add more, of different places"
        if not _NAME.fullmatch(self.name):
            return "the name may have a–z, 0–9 and hyphens only"
        return None

    def command(self) -> list[str]:
        """Give the words of ``rmz-acquire``.

        Raises
        ------
        InputError
            If something is wrong.
        """
        problem = self.problem()
        if problem is not None or self.model is None:
            raise InputError(problem or "")
        words = ["finetune", self.model, *map(str, self.stacks)]
        words += ["--out", str(self.folder), "--name", self.name]
        words += ["--steps", str(self.steps)]
        optics = self.optics
        if optics is not None:
            words += ["--na", repr(optics.na)]
            words += ["--immersion", repr(optics.immersion_index)]
            words += ["--wavelength", repr(optics.wavelength_um)]
            words += ["--pixel-size", repr(optics.pixel_size_um)]
        return words


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model that a training has left, and whether it is worth using.

    Attributes
    ----------
    folder : Path
        Of the model.
    verdict : Verdict
        By its scores on the stacks kept apart.
    rows : tuple of (str, dict)
        Number of planes, and PSNR by estimator, dB: means over the stacks.
    """

    folder: Path
    verdict: Verdict
    rows: tuple[tuple[str, dict[str, float]], ...] = field(default=())

    @classmethod
    def load(cls, folder: Path) -> TrainedModel:
        """Read its card.

        Raises
        ------
        InputError
            If there is none.
        """
        card = read_card(folder)
        start = card.training.get("start_from")
        before = None if start is None else Path(str(start)).name
        said = verdict(
            card.scores, card.network.kind, before, released=not card.comparison
        )
        names: dict[str, str] = {card.network.kind: "new model"}
        together: dict[str, dict[str, list[float]]] = {}
        for by_planes in card.scores.values():
            for planes, row in by_planes.items():
                found = together.setdefault(planes.removeprefix("M="), {})
                for name, value in row.items():
                    found.setdefault(names.get(name, name), []).append(value)
        rows = tuple(
            (planes, {name: sum(v) / len(v) for name, v in row.items()})
            for planes, row in together.items()
        )
        return cls(folder, said, rows)


def _lacking() -> str | None:
    gone = missing("train")
    if not gone:
        return None
    return (
        f"training needs {', '.join(gone)}: type {install_line('train')} in a terminal"
    )


def can_go_on(folder: Path) -> bool:
    """Whether a run that was stopped has something to go on from."""
    return (folder / "finetune.yaml").is_file() and (folder / "last.ckpt").is_file()


def time_left(seconds: float | None) -> str:
    """Say how long it will take, roughly, as people do."""
    if seconds is None:
        return "the time left is not known yet"
    if seconds < 50:
        return f"about {max(5, round(seconds / 5) * 5)} s left"
    minutes = seconds / 60
    if minutes < 90:
        return f"about {max(1, round(minutes))} min left"
    return f"about {minutes / 60:.1f} h left"
