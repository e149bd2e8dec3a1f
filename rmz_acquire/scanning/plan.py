"""What a scan is asked to do: the z grid, how many planes, when it is enough."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from rmz_acquire.defaults import (
    AUDIT,
    EPSILON,
    FIRST_PLANES,
    MIN_PLANES,
    PATIENCE,
    STALE_FRAMES,
    TAU,
)
from rmz_acquire.defaults import POLICY as POLICY_BY_DEFAULT
from rmz_acquire.defaults import STOP_RULE as RULE_BY_DEFAULT
from rmz_acquire.errors import InputError, key_message
from rmz_acquire.plugins import POLICY, STOP_RULE, name_check
from rmz_acquire.scanning.stop_calibration import AIM, UNUSED, AnyCalibration, check_aim

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "POLICY_NAMES",
    "RULE_NAMES",
    "PolicyName",
    "RuleName",
    "ScanOptions",
    "ScanPlan",
]

POLICY_NAMES = POLICY.ours
PolicyName = Annotated[str, name_check(POLICY, POLICY_NAMES)]
"""One of ours, an entry point, or ``package.module:Class``."""
RULE_NAMES = STOP_RULE.ours
RuleName = Annotated[str, name_check(STOP_RULE, RULE_NAMES)]
"""One of ours, an entry point, or ``package.module:Class``."""

_DEFAULTS = {"first_planes": FIRST_PLANES, "min_planes": MIN_PLANES}

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ScanOptions(BaseModel):
    """How a scan decides, whatever its grid: what block, window and commands set.

    Parameters
    ----------
    policy, travel_cost, epsilon, epsilon_kind, tau, audit, patience, max_light_ms
        As in `ScanPlan`.
    max_seconds, max_gap_um, stale_frames, seed, misfit, stop_rule
        As in `ScanPlan`.
    target_nrmse, confidence, calibration
        As in `ScanPlan`.
    first_planes, min_planes, max_planes : int, optional
        The same; None for what a `ScanPlan` has by default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: PolicyName = POLICY_BY_DEFAULT
    travel_cost: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    epsilon: Positive = EPSILON
    epsilon_kind: Literal["relative", "absolute"] = "relative"
    tau: Positive | None = None
    audit: float | None = Field(default=None, ge=0, lt=1, allow_inf_nan=False)
    patience: int = Field(default=PATIENCE, ge=1)
    first_planes: int | None = Field(default=None, ge=1)
    min_planes: int | None = Field(default=None, ge=1)
    max_planes: int | None = Field(default=None, ge=1)
    max_light_ms: Positive | None = None
    max_seconds: Positive | None = None
    max_gap_um: Positive | None = None
    stale_frames: int = Field(default=STALE_FRAMES, ge=0, le=100)
    seed: int = Field(default=0, ge=0)
    misfit: Literal["warn", "full", "stop"] = "warn"
    stop_rule: RuleName = RULE_BY_DEFAULT
    target_nrmse: Positive | None = None
    confidence: Annotated[float, Field(gt=0, lt=1)] | None = None
    calibration: AnyCalibration | None = None

    @model_validator(mode="before")
    @classmethod
    def _usual_rule(cls, data: Any) -> Any:
        """Take the rule of a target where one is given, and no rule."""
        if not isinstance(data, dict) or data.get("stop_rule") is not None:
            return data
        aimed = any(data.get(key) is not None for key in AIM)
        return {**data, "stop_rule": "target" if aimed else RULE_BY_DEFAULT}

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        told = {key: getattr(self, key) for key in self.model_fields_set}
        check_aim(self.stop_rule, {k: v for k, v in told.items() if v is not None})
        if self.stop_rule == "paper":
            for key, given in (("tau", self.tau), ("patience", self.patience > 1)):
                if given:
                    msg = (
                        f"stop_rule paper looks at epsilon alone: leave {key} out, or "
                        "take guarded"
                    )
                    raise ValueError(msg)
        if self.travel_cost and self.policy in ("bisect", "uniform"):
            msg = (
                f"travel_cost is for the policies error and disagreement: {self.policy}"
                " looks at no gain that it could be weighed against"
            )
            raise ValueError(msg)
        return self


class ScanPlan(ScanOptions):
    """The plan of a scan of one volume.

    `from_grid` and `from_range` say what is wrong in one line; the constructor raises
    pydantic's own, longer error.

    Parameters
    ----------
    z_um : tuple of float
        The z grid, µm, ascending, two or more.
    first_planes : int
        How many equally spaced planes `bisect` takes before it looks for gaps; by
        default 3, or fewer if `max_planes` is less.
    min_planes : int
        No convergence with fewer planes; by default 4, or `max_planes` if less.
    max_planes : int
        The scan ends after this many planes at the latest; by default the whole grid.
    epsilon : float
        The volume has converged when its change is at or below this.
    epsilon_kind : {"relative", "absolute"}
        Whether `epsilon` is a fraction of the volume's norm above background, or
        camera counts (Frobenius norm, as in the paper).
    tau : float, optional
        Convergence also needs the innovation of the last audit planes, at most three,
        at or below this (the root of their mean square), and their NRMSE at or below
        twice this; without audit planes, the innovation of the last plane. By default
        0.2 with audit planes (up to 0.4 in dim light), otherwise not required.
    audit : float, optional
        Share of planes, after the first ones, whose z is drawn at random. By default
        0.2 with the guarded rule and any built-in policy but uniform, otherwise 0.
    patience : int
        For how many planes in a row all conditions must hold.
    policy : str
        Where the next plane is taken: bisect, uniform, error, disagreement, the name
        of an entry point, or ``package.module:Class``, which is called with the plan.
    travel_cost : float
        By what share a z at the other end of the range must promise more than a z right
        here; for error and disagreement.
    z_exact_um : tuple of float, optional
        Take exactly these z, µm, in this order, and stop when they are done;
        nothing else that decides then plays a part.
    max_light_ms : float, optional
        Largest total exposure, ms; planes of unknown exposure do not count.
    max_seconds : float, optional
        Longest time from the first plane to the last, s; no plane begins after it.
    max_gap_um : float, optional
        No convergence while any z of the grid is farther from a taken plane. By default
        the largest gap that the first planes leave at their planned z.
    stale_frames : int
        So many frames in a row that the camera had handed out before fail the scan.
        One does not count, and its plane is taken again. 0: frames are not compared,
        for a camera without noise.
    seed : int
        For policies that draw at random.
    misfit : {"warn", "full", "stop"}
        What happens if the optics do not explain the planes: a warning; a warning, and
        every z that the limits of planes, light and time allow; or the scan ends.
    stop_rule : str
        When to stop: guarded (`ChangeRule`), paper (`PaperRule`: epsilon alone),
        target (`TargetRule`), the name of an entry point, or
        ``package.module:Class``, which is called with the plan.
    target_nrmse, confidence : float, optional
        What the rule target is to promise: at most what its calibration promises.
    calibration : StopCalibration or path, optional
        File for the rule target, which is used if one of these three is given.
    """

    z_um: tuple[Finite, ...]
    # filled in before they are checked: never None
    first_planes: int = Field(default=FIRST_PLANES, ge=1)
    min_planes: int = Field(default=MIN_PLANES, ge=1)
    max_planes: int = Field(default=0, ge=1)
    z_exact_um: tuple[Finite, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, data: Any) -> Any:
        """Fill in counts that were not given, never beyond those that were."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        for key in ("first_planes", "min_planes", "max_planes"):
            if data.get(key) is None:
                data.pop(key, None)
        given = data.get("max_planes")
        if given is None:
            grid = data.get("z_um")
            size = len(grid) if hasattr(grid, "__len__") else 1
            data["max_planes"] = max(1, size)
        most = data["max_planes"]
        if isinstance(most, int) and most >= 1:
            for key, value in _DEFAULTS.items():
                data.setdefault(key, min(value, most))
        return data

    @field_validator("z_um")
    @classmethod
    def _check_grid(cls, z_um: tuple[float, ...]) -> tuple[float, ...]:
        if len(z_um) < 2:
            msg = f"z_um has {len(z_um)} plane: the grid needs two or more"
            raise ValueError(msg)
        if any(b <= a for a, b in pairwise(z_um)):
            msg = "z_um must ascend, each z above the one before it"
            raise ValueError(msg)
        return z_um

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        if self.max_planes < self.min_planes:
            msg = (
                f"max_planes {self.max_planes} is below min_planes {self.min_planes}: "
                "raise the one or lower the other"
            )
            raise ValueError(msg)
        if self.first_planes > self.max_planes:
            msg = (
                f"first_planes {self.first_planes} is above max_planes "
                f"{self.max_planes}: lower the one or raise the other"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _check_exact(self) -> Self:
        if self.z_exact_um is None:
            return self
        if not self.z_exact_um:
            msg = "z_exact_um is empty: give one z or more"
            raise ValueError(msg)
        low, high, slack = self.z_um[0], self.z_um[-1], self.step_um / 2
        for z in self.z_exact_um:
            if not low - slack <= z <= high + slack:
                msg = (
                    f"z_exact_um: {z:g} µm is outside the grid from {low:g} to "
                    f"{high:g} µm"
                )
                raise ValueError(msg)
        return self

    @classmethod
    def from_grid(cls, z_um: Sequence[float], **options: Any) -> ScanPlan:
        """Plan over given z positions.

        Parameters
        ----------
        z_um : sequence of float
            The z grid, µm, ascending.
        **options
            The other fields; None stands for the default of a count.

        Returns
        -------
        ScanPlan

        Raises
        ------
        InputError
            In one line, if a value makes no sense.
        """
        try:
            return cls(z_um=tuple(float(z) for z in z_um), **options)
        except ValidationError as error:
            raise InputError(key_message(error, kind="argument")) from None

    @classmethod
    def from_range(
        cls, bottom_um: float, top_um: float, step_um: float, **options: Any
    ) -> ScanPlan:
        """Plan over an even grid from `bottom_um` to at most `top_um`.

        Parameters
        ----------
        bottom_um, top_um, step_um : float
            First z, last z and step of the grid, µm.
        **options
            The other fields.

        Returns
        -------
        ScanPlan

        Raises
        ------
        InputError
            In one line, if a value makes no sense.
        """
        if not (math.isfinite(step_um) and step_um > 0):
            msg = f"step_um must be above 0, not {step_um:g}"
            raise InputError(msg)
        if not (math.isfinite(bottom_um) and math.isfinite(top_um)):
            msg = f"bottom_um {bottom_um:g} and top_um {top_um:g} must be finite"
            raise InputError(msg)
        # a rounding error must not cost the last plane
        steps = math.floor((top_um - bottom_um) / step_um + 1e-6)
        if steps < 1:
            msg = (
                f"from bottom_um {bottom_um:g} to top_um {top_um:g} in steps of "
                f"step_um {step_um:g} there are fewer than two planes: widen the "
                "range, or lower the step"
            )
            raise InputError(msg)
        grid = [round(bottom_um + i * step_um, 9) for i in range(steps + 1)]
        return cls.from_grid(grid, **options)

    def has_grid(self, z_um: Sequence[float] | NDArray[np.float64]) -> bool:
        """Whether a z grid, µm, is this one."""
        return len(z_um) == len(self.z_um) and all(
            math.isclose(a, b, abs_tol=1e-6)
            for a, b in zip(z_um, self.z_um, strict=True)
        )

    def within_reach(self, gap_um: float | None) -> ScanPlan:
        """Leave no larger gap than an estimator reaches over.

        Parameters
        ----------
        gap_um : float or None
            The estimator's ``largest_gap_um``, µm; None where it tells none.

        Returns
        -------
        ScanPlan
            The same where it sets its `max_gap_um` itself.
        """
        if self.max_gap_um is not None or gap_um is None:
            return self
        return self.model_copy(update={"max_gap_um": gap_um})

    def to_line(self) -> dict[str, Any]:
        """Give all but the grid that the rule looks at, JSON-ready, for files."""
        unused = UNUSED if self.stop_rule == "target" else ()
        return self.model_dump(mode="json", exclude={"z_um", *unused})

    @property
    def step_um(self) -> float:
        """Smallest step of the grid, µm."""
        return min(b - a for a, b in pairwise(self.z_um))

    @property
    def range_um(self) -> float:
        """From the lowest to the highest z of the grid, µm."""
        return self.z_um[-1] - self.z_um[0]

    @property
    def gap_limit_um(self) -> float:
        """The gap above which nothing counts as convergence, µm.

        `max_gap_um`, or by default what `first_planes` at their cell centres leave,
        with a step for the grid's rounding.
        """
        if self.max_gap_um is not None:
            return self.max_gap_um
        return self.range_um / (2 * self.first_planes) + self.step_um

    @property
    def audit_share(self) -> float:
        """Share of planes, after the first ones, whose z is drawn."""
        if self.audit is not None:
            return self.audit
        # who plans every plane, or has a rule of his own, asks for them
        ours = self.policy in POLICY_NAMES and self.policy != "uniform"
        return AUDIT if ours and self.stop_rule == "guarded" else 0.0

    @property
    def innovation_limit(self) -> float | None:
        """Largest innovation that counts as convergence; None where not asked."""
        return TAU if self.tau is None and self.audit_share > 0 else self.tau

    @property
    def same_z_um(self) -> float:
        """Two planes closer than this, µm, are the same plane taken twice."""
        return self.step_um / 4
