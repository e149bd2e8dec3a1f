"""Our block of an experiment: what lies under ``metadata: rmz_acquire:`` in its YAML.

useq keeps metadata as it is and drops unknown keys everywhere else without a word, so
both are checked here: a typo must not become a scan with default settings.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from rmz_acquire.defaults import Overlap
from rmz_acquire.errors import InputError, key_message
from rmz_acquire.methods import (
    DEFAULT_METHOD,
    METHODS,
    NO_VOLUME,
    method_without_name,
)
from rmz_acquire.optics import Apodisation, Waves, ZScale
from rmz_acquire.plugins import ESTIMATOR, name_check
from rmz_acquire.scanning.plan import ScanOptions

__all__ = [
    "BLOCK",
    "CheckSettings",
    "ExperimentSettings",
    "OpticsSettings",
    "StageSettings",
    "TimeLapseSettings",
]

#: Where the block lies, as messages name it.
BLOCK = "metadata.rmz_acquire"
VERSION = 1
MOST_REGIONS = 16

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Rectangle = tuple[
    Annotated[int, Field(ge=0)],
    Annotated[int, Field(ge=0)],
    Annotated[int, Field(gt=0)],
    Annotated[int, Field(gt=0)],
]
"""y, x, height and width, pixels."""

_EstimatorName = Annotated[str, name_check(ESTIMATOR, (*METHODS, NO_VOLUME))]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class StageSettings(_Block):
    """How the focus stage is driven.

    Parameters
    ----------
    device : str, optional
        Its label; by default the core's focus device.
    settle_ms : float, optional
        Rest after each move, ms; by default the delay set in the configuration.
    tolerance_um : float, optional
        How far from its target it may end up, µm; by default half the z step.
    approach_um : float
        Every z is approached from one side, starting at least this far away, µm:
        against backlash.
    approach_from : {"below", "above"}
        From which side.
    approach_speed : (str, str), optional
        A property of the stage and its value during the approach: ``[Speed, 50]``.
    limits_um : (float, float), optional
        Lowest and highest z that it may be sent to, µm.
    retries : int
        How often a move that missed its target is repeated.
    timeout_ms : float
        How long it may take to reach its target after it reports ready, ms.
    """

    device: str | None = None
    settle_ms: NotNegative | None = None
    tolerance_um: Positive | None = None
    approach_um: NotNegative = 0.0
    approach_from: Literal["below", "above"] = "below"
    approach_speed: tuple[str, str] | None = None
    limits_um: tuple[Finite, Finite] | None = None
    retries: int = Field(default=2, ge=0, le=100)
    timeout_ms: Positive = 2000.0

    @field_validator("approach_speed", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        """Take numbers as Micro-Manager does, as text."""
        if isinstance(value, list | tuple):
            return tuple(str(item) for item in value)
        return value

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        if self.limits_um is not None and self.limits_um[0] >= self.limits_um[1]:
            msg = "the lower of limits_um must be below the upper"
            raise ValueError(msg)
        if self.approach_speed is not None and self.approach_um == 0:
            msg = "approach_speed is given, but approach_um is 0: there is no approach"
            raise ValueError(msg)
        return self


class OpticsSettings(_Block):
    """Optics that the configuration does not give; values here take precedence.

    Parameters
    ----------
    na, immersion_index, pixel_size_um, sample_index : float, optional
        As for `rmz_acquire.acquisition.optics_from_core`.
    wavelength_um : float or dict, optional
        Emission wavelength, µm: of all channels, or of each by its name.
    z_scale, spherical_waves, secondary_spherical_waves, apodisation : float, optional
        As ``rmz-acquire calibrate-optics`` found them.
    """

    na: Positive | None = None
    immersion_index: Positive | None = None
    pixel_size_um: Positive | None = None
    sample_index: Positive | None = None
    wavelength_um: Positive | dict[str, Positive] | None = None
    z_scale: ZScale | None = None
    spherical_waves: Waves | None = None
    secondary_spherical_waves: Waves | None = None
    apodisation: Apodisation | None = None


class CheckSettings(_Block):
    """What is checked when the scan of a volume has ended.

    Parameters
    ----------
    repeat : bool
        Whether an early plane is taken again and compared: two more exposures per
        volume, or three if planes are not approached from one side.
    rest_ms : float
        How long the stage rests between the first two of these exposures, ms.
    tolerance : float
        Largest difference allowed, as a fraction of the plane's contrast.
    """

    repeat: bool = False
    rest_ms: NotNegative = 200.0
    tolerance: Positive = 0.1


class TimeLapseSettings(_Block):
    """What a time point takes over from the previous one.

    Parameters
    ----------
    start : {"fresh", "last"}
        Whether each volume begins with nothing, or with the planes of the previous time
        point, as long as those that are taken again agree.
    confirm : int
        How many planes are taken again, the oldest first.
    tolerance : float
        How much one may differ, as a fraction of its contrast.
    max_age : int
        How many time points a plane is believed at most.
    """

    start: Literal["fresh", "last"] = "fresh"
    confirm: int = Field(default=2, ge=1)
    tolerance: Positive = 0.1
    max_age: int = Field(default=5, ge=1)


TELL_MISFIT = ("auto", "richardson-lucy", "wiener", "recurrent-mz")
"""Estimators that reckon with optics, and say where these do not fit."""


class ExperimentSettings(_Block, ScanOptions):
    """The block, with the scan's settings as `rmz_acquire.scanning.ScanPlan` has them.

    Parameters
    ----------
    version : int
        Version of this block: 1.
    estimator : str
        What computes the volumes. The default, auto, is recurrent-mz with the model
        on-layers where that fits all channels and ranges, otherwise richardson-lucy; if
        a model is named, it is recurrent-mz. Your own by entry point or
        ``package.module:Class``. "none" takes every plane and computes no volume.
    model : str, optional
        Name or folder of recurrent-mz's model; by default the bundled one that fits
        optics and z range.
    device : str
        Where the network runs.
    strict : bool
        Whether a model that does not fit the microscope is refused, or only reported.
    channels : {"independent", "leader"}
        Whether each channel decides for itself, or one leads and the others take the
        same z.
    leader : str, optional
        The preset that leads; by default the first channel.
    policy, travel_cost, epsilon, epsilon_kind, tau, audit, patience, first_planes
        As in `ScanPlan`.
    min_planes, max_planes, max_light_ms, max_seconds, max_gap_um
        As in `ScanPlan`.
    stale_frames : int
        This many old frames in a row, which the camera had delivered before, fail the
        experiment; 0: frames are not compared, for a camera without noise.
    seed, misfit, stop_rule, target_nrmse, confidence, calibration
        As in `ScanPlan`.
    z_um : tuple of float, optional
        Exactly these z in this order, µm; relative to the position if the z_plan is
        relative.
    overlap : {"none", "stage", "exposure"}
        What happens while the estimator computes, if the policy already knows the next
        plane: nothing; the stage moves and settles; or the plane is exposed as well,
        which costs one plane of light where the scan stops.
    regions : {"auto", "whole"} or list of (int, int, int, int)
        What a scan decides on: "auto" takes up to four tiles if pictures have more than
        256 × 256 pixels and there is no GPU, otherwise the whole picture; or
        rectangles: y, x, height and width, pixels.
    volumes : {"during", "after", "none"}, optional
        When whole volumes are computed if regions decide: before the next volume
        begins, while others are scanned (the default), or never.
    spread : bool
        Whether to store how far the candidates for a volume differ at each voxel, in
        ``spread`` beside the pixels: as large as the volumes, and it takes time.
    stage : StageSettings
        The focus stage.
    time_lapse : TimeLapseSettings
        What a time point takes over from the previous one.
    checks : CheckSettings
        Exposures that detect what a scan cannot: drift, backlash, settling.
    optics : OpticsSettings
        What the configuration does not give.
    ome_tiff : bool
        Whether to write everything as OME-TIFF too, at the end.
    training_stacks : bool
        Whether to write the planes of every volume as position-001.ome.tif and so on,
        at the end, with the list stacks.yaml for training.
    focus_lock : {"pause", "refuse"}
        What happens to a focus lock (continuous autofocus) that is on when the
        experiment begins: it is switched off until the stage is back, then on again; or
        the experiment is refused.
    autofocus_failure : {"stop", "continue"}
        What happens if a hardware autofocus fails: the experiment ends, or goes on with
        the last known correction.
    """

    version: Literal[1]
    estimator: Annotated[str, name_check(ESTIMATOR, (*METHODS, NO_VOLUME))] = (
        DEFAULT_METHOD
    )
    model: str | None = None
    device: str = "auto"
    strict: bool = True
    channels: Literal["independent", "leader"] = "independent"
    leader: str | None = None
    z_um: tuple[Finite, ...] | None = None
    overlap: Overlap = "stage"
    regions: Literal["auto", "whole"] | tuple[Rectangle, ...] = "auto"
    volumes: Literal["during", "after", "none"] | None = None
    spread: bool = False
    stage: StageSettings = StageSettings()
    checks: CheckSettings = CheckSettings()
    time_lapse: TimeLapseSettings = TimeLapseSettings()
    optics: OpticsSettings = OpticsSettings()
    ome_tiff: bool = False
    training_stacks: bool = False
    focus_lock: Literal["pause", "refuse"] = "pause"
    autofocus_failure: Literal["stop", "continue"] = "stop"

    @model_validator(mode="before")
    @classmethod
    def _of_the_model(cls, data: Any) -> Any:
        """Take the network where its model is named, and no estimator."""
        if isinstance(data, dict) and data.get("model") and "estimator" not in data:
            return {**data, "estimator": method_without_name(data["model"])}
        return data

    @model_validator(mode="after")
    def _check_leader(self) -> Self:
        if self.leader is not None and self.channels != "leader":
            msg = "leader is given, but channels is not 'leader'"
            raise ValueError(msg)
        return self

    @field_validator("regions", mode="before")
    @classmethod
    def _check_regions(cls, value: Any) -> Any:
        """Say in one line what is no region."""
        if value in ("auto", "whole"):
            return value
        four = isinstance(value, list | tuple) and all(
            isinstance(one, list | tuple) and len(one) == 4 for one in value
        )
        if not four or not value:
            msg = "give auto, whole, or rectangles as [y, x, height, width] in pixels"
            raise ValueError(msg)
        if len(value) > MOST_REGIONS:
            msg = f"give {MOST_REGIONS} rectangles at most, not {len(value)}"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _check_misfit(self) -> Self:
        if self.misfit != "warn":
            if self.estimator not in TELL_MISFIT:
                msg = (
                    f"misfit {self.misfit}: {self.estimator} tells none: leave misfit "
                    f"out, or take one of {', '.join(TELL_MISFIT)}"
                )
                raise ValueError(msg)
            if self.z_um is not None:
                msg = f"misfit {self.misfit}: exactly z_um are taken: leave one out"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _check_time_lapse(self) -> Self:
        if self.time_lapse.start == "fresh":
            return self
        for key, value, needed in (
            ("channels", self.channels, "independent"),
            ("policy", self.policy, "bisect"),
            ("z_um", self.z_um, None),
            ("stop_rule", self.stop_rule, "guarded"),
        ):
            if value != needed:
                told = f"no {key}" if needed is None else f"{key}: {needed}"
                msg = f"time_lapse.start: last goes with {told} only"
                raise ValueError(msg)
        return self

    @classmethod
    def of(cls, metadata: dict[str, Any]) -> ExperimentSettings:
        """Read the block of a sequence's metadata.

        Parameters
        ----------
        metadata : dict
            As `useq.MDASequence.metadata`.

        Returns
        -------
        ExperimentSettings

        Raises
        ------
        InputError
            In one line that names the key.
        """
        block = metadata.get("rmz_acquire")
        if block is None:
            msg = (
                f"the experiment has no {BLOCK}: add it with version: {VERSION}, "
                "or run the full stack with any other program"
            )
            raise InputError(msg)
        if not isinstance(block, dict):
            msg = f"{BLOCK} must hold keys and values, with version: {VERSION}"
            raise InputError(msg)
        if block.get("version", VERSION) != VERSION:
            msg = (
                f"{BLOCK}.version is {block['version']!r}: this rmz-acquire "
                f"reads version {VERSION}"
            )
            raise InputError(msg)
        try:
            return cls.model_validate(block)
        except ValidationError as error:
            raise InputError(key_message(error, BLOCK)) from None

    def plan_options(self) -> dict[str, Any]:
        """Give the options of a `ScanPlan` that are set, but its grid and list of z."""
        names = ScanOptions.model_fields.keys() & self.model_fields_set
        return {name: getattr(self, name) for name in names}
