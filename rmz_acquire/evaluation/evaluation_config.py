"""What an evaluation is told, in one YAML file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from rmz_acquire.optics import Optics
from rmz_acquire.settings_file import Strict, read_settings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BeadSize",
    "DataSet",
    "DrawSize",
    "EvaluationConfig",
    "ExposureSize",
    "ModelEntry",
    "ObjectiveEntry",
    "RealStack",
    "Size",
    "StoppingSize",
]

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class ModelEntry(Strict):
    """A network in the comparison.

    Parameters
    ----------
    estimator : str
        Which kind of network.
    model : str
        Name or folder; one that is not there is shown as missing.
    """

    estimator: Literal["recurrent-mz", "deep-z", "unet3d"]
    model: str


class DataSet(Strict):
    """Specimens and optics of one of the paper's experiments.

    Parameters
    ----------
    specimen : str
        A name that `make_specimen` knows.
    options : dict
        Of the specimen's function.
    optics : Optics
        The microscope.
    z_range_um, z_step_um : float
        Of the stack, µm.
    side_px, z_every : int, optional
        Side of the pictures, and that every n-th plane of the stack is made, in place
        of the size's.
    spacing_um : float
        Distance of the input planes, µm.
    exposure_ms : float
        Of every plane.
    planes : list of int, optional
        Numbers of exposures that are compared, in place of the size's.
    models : dict of str to ModelEntry
        By the label in tables.
    """

    specimen: str
    options: dict[str, Any] = Field(default={})
    optics: Optics
    z_range_um: Positive
    z_step_um: Positive
    side_px: Annotated[int, Field(ge=32)] | None = None
    z_every: Count | None = None
    spacing_um: Positive
    exposure_ms: Positive
    planes: Annotated[list[Count], Field(min_length=1)] | None = None
    models: dict[str, ModelEntry] = Field(default={})


class BeadSize(Strict):
    """How many beads are measured.

    Parameters
    ----------
    side_px : int
        Side of the pictures.
    seeds : int
        Specimens.
    z_every : int
        Every n-th plane of the stack is made.
    """

    side_px: Annotated[int, Field(ge=32)]
    seeds: Count
    z_every: Count


class DrawSize(Strict):
    """How many errors of position are drawn.

    Parameters
    ----------
    side_px, z_every : int
        As of `BeadSize`.
    number : int
        Draws for each size of error.
    sigmas_um : list of float
        Sizes of the error, µm; the first is 0, the last 1.
    """

    side_px: Annotated[int, Field(ge=32)]
    z_every: Count
    number: Count
    sigmas_um: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2)]


class ExposureSize(Strict):
    """How many exposures are compared, on how much.

    Parameters
    ----------
    side_px, seeds, z_every : int
        As of `BeadSize`; the planes stand close enough for the most exposures.
    planes : list of int
        Numbers of exposures.
    """

    side_px: Annotated[int, Field(ge=32)]
    seeds: Count
    z_every: Count
    planes: Annotated[list[Count], Field(min_length=1)]


class StoppingSize(Strict):
    """How stops with a stated error are calibrated and tried.

    Parameters
    ----------
    specimens, unseen : int
        Of each family: calibrated on, and tried on.
    empty : int
        Fields with nothing in them, on which the stops are tried, too.
    policies : dict of str to int
        Specimens of each family on which policies are compared, by estimator.
    families : list of str
        Names in `specimen_families.FAMILIES`; by default all.
    side_px, planes : int
        Side of the pictures, and planes of a stack, half a µm apart.
    target_nrmse, alpha, confidence : float
        The promise: NRMSE above the target in at most a share alpha.
    """

    specimens: Count = 45
    unseen: Count = 38
    empty: Annotated[int, Field(ge=0)] = 4
    policies: dict[str, Count] = Field(default={"wiener": 4, "richardson-lucy": 1})
    families: list[str] = Field(default=[])
    side_px: Annotated[int, Field(ge=32)] = 48
    planes: Annotated[int, Field(ge=6)] = 25
    target_nrmse: Positive = 0.25
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.1
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.99


class Size(Strict):
    """How much is done.

    Parameters
    ----------
    side_px : int
        Side of the pictures.
    seeds : int
        Specimens of each kind.
    few_seeds : int
        The same for experiments that make many volumes of each.
    z_every : int
        Every n-th plane of the stack is made and compared.
    beads : BeadSize
        Of fig. 3.
    draws : DrawSize
        Of fig. 5.
    exposures, more_exposures : ExposureSize
        Of quality against exposures: the sets of all experiments, and those of this
        one alone.
    planes : list of int
        Numbers of input planes of fig. S1.
    timing_planes, timing_side_px : int
        Output planes whose making is timed, and the side of the large one.
    real_px : int
        Largest side of a real stack; of a larger one the middle is used.
    stopping : StoppingSize
        Of stops with a stated error.
    """

    side_px: Annotated[int, Field(ge=32)]
    seeds: Count
    few_seeds: Count
    z_every: Count
    beads: BeadSize
    draws: DrawSize
    exposures: ExposureSize
    more_exposures: ExposureSize
    planes: Annotated[list[Count], Field(min_length=1)]
    timing_planes: Count
    timing_side_px: Annotated[int, Field(ge=64)] = 1024
    real_px: Annotated[int, Field(ge=64)] = 1024
    stopping: StoppingSize = Field(default=StoppingSize())


class ObjectiveEntry(Strict):
    """An objective that the model for any microscope is tried on.

    Parameters
    ----------
    name : str
        As engraved.
    na, immersion_index, magnification : float
        Of the objective.
    model : str or None
        One trained for it.
    """

    name: str
    na: Positive
    immersion_index: Positive
    magnification: Positive
    model: str | None = None


class _Objectives(Strict):
    model: str
    blur_px: Positive
    list: list[ObjectiveEntry]


class RealStack(Strict):
    """A recorded wide-field stack.

    Parameters
    ----------
    file : str
        Its name in the folder of real stacks.
    optics : Optics
        Of the microscope.
    z_step_um : float
        Distance of the planes, µm.
    guessed : bool
        Whether the optics are a guess.
    """

    file: str
    optics: Optics
    z_step_um: Positive
    guessed: bool


class _Real(Strict):
    model: str
    stacks: list[RealStack]


class EvaluationConfig(Strict):
    """All experiments of an evaluation.

    Parameters
    ----------
    seed : int
        Of the first specimen and of all draws; the same seed, the same results.
    sets : dict of str to DataSet
        "beads" and "neurons" of the paper, and "beads 20x": where its network and
        those that it is compared with are trained as long as each other.
    more_sets : dict of str to DataSet
        Of quality against exposures alone: what else is asked of the estimators that
        scans use.
    spacing_models : dict of float to str
        Models trained at other spacings (fig. S3).
    bead_fields : dict of str to dict
        Fields of fig. 3 by their name: options of the specimen, in place of those of
        "beads".
    order_models : dict of str to str
        Models trained with other orders (figs. S4, S5).
    full, quick : Size
        How much is done by default, and with --quick.
    objectives, real
        What else the model for any microscope is tried on.
    """

    seed: Annotated[int, Field(ge=0)]
    sets: dict[Literal["beads", "neurons", "beads 20x"], DataSet]
    more_sets: dict[str, DataSet] = Field(default={})
    spacing_models: dict[float, str] = Field(default={})
    bead_fields: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    order_models: dict[str, str] = Field(default={})
    full: Size
    quick: Size
    objectives: _Objectives
    real: _Real

    @classmethod
    def from_yaml(cls, path: Path) -> EvaluationConfig:
        """Read and check a configuration.

        Parameters
        ----------
        path : Path
            The YAML file.

        Returns
        -------
        EvaluationConfig

        Raises
        ------
        InputError
            Where the file is missing or a key is wrong; names the key.
        """
        return read_settings(path, cls)
