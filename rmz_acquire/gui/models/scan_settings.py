"""What a user asks of a scan in the window, and what is wrong with it.

A frozen value without Qt: the form makes one of what is typed, marks the fields that
`problems` names, and hands it to the controller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rmz_acquire.defaults import EPSILON, MIN_PLANES, POLICY
from rmz_acquire.errors import InputError
from rmz_acquire.gui.models.fitted_optics import Calibration
from rmz_acquire.methods import DEFAULT_METHOD, method_of
from rmz_acquire.scanning import ScanPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

    import useq

    from rmz_acquire.gui.models.stop_target import StopTarget

__all__ = ["ScanSettings"]


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """A scan as it is typed in: of one volume, or of a series of them.

    Parameters
    ----------
    bottom_um, top_um : float or None
        Ends of the z range, µm; None until they are set.
    relative : bool
        Whether they count from the z of each position (without positions from where
        the focus stands), or are the stage's own.
    step_um : float
        Step of the z grid, µm.
    exposure_ms : float
        Of every plane, ms.
    channel : (str, str) or None
        Configuration group and preset; None leaves the channel as it is.
    estimator : str
        What makes the volume.
    model : str or None
        Name or folder of the model, for recurrent-mz; None for the one that fits.
    epsilon : float
        The scan stops once the volume's relative change is so small.
    tau : float or None
        And the last plane was predicted so well; None asks for no such thing.
    target : StopTarget or None
        In place of both: it stops at a stated error.
    policy : str
        Where the next plane is taken.
    min_planes : int
        No stop with fewer.
    max_planes : int or None
        The most planes; None for the whole grid.
    max_light_ms : float or None
        The most light, ms of exposure; None for as much as the planes take.
    na, immersion_index, wavelength_um, pixel_size_um : float or None
        Optics where the configuration does not tell them, or tells them wrong.
    regions : {"auto", "whole"} or tuple of (int, int, int, int)
        What decides: tiles, the whole picture, or rectangles: y, x, height and width,
        pixels.
    volumes : {"during", "after", "none"} or None
        When whole volumes are rendered where regions decide; None as by default.
    overlap : {"none", "stage", "exposure"}
        What is done for the next plane while the last is computed.
    misfit : {"warn", "full", "stop"}
        What follows where the optics do not explain the planes.
    calibration : Calibration
        Optics that nobody types in: z scale and kin.
    channels, positions, time_plan
        The series, as useq has them; empty for here, now, and the current channel.
    base : useq.MDASequence, optional
        The experiment that was loaded: what the form has no field for is in there.
    """

    bottom_um: float | None = None
    top_um: float | None = None
    step_um: float = 0.5
    relative: bool = False
    exposure_ms: float = 50.0
    channel: tuple[str, str] | None = None
    estimator: str = DEFAULT_METHOD
    model: str | None = None
    epsilon: float = EPSILON
    tau: float | None = None
    target: StopTarget | None = None
    policy: str = POLICY
    min_planes: int = MIN_PLANES
    max_planes: int | None = None
    max_light_ms: float | None = None
    na: float | None = None
    immersion_index: float | None = None
    wavelength_um: float | None = None
    pixel_size_um: float | None = None
    regions: str | tuple[tuple[int, int, int, int], ...] = "auto"
    volumes: str | None = None
    overlap: str = "stage"
    misfit: str = "warn"
    calibration: Calibration = field(default_factory=Calibration)
    channels: tuple[useq.Channel, ...] = ()
    positions: tuple[useq.Position, ...] = ()
    time_plan: Any = None
    base: useq.MDASequence | None = None

    @property
    def full_planes(self) -> int | None:
        """Planes of the full stack over the range; None while it is not one."""
        bottom, top = self.bottom_um, self.top_um
        if bottom is None or top is None or self.step_um <= 0 or top <= bottom:
            return None
        steps = math.floor((top - bottom) / self.step_um + 1e-6)
        return steps + 1 if steps >= 1 else None

    @property
    def most_planes(self) -> int | None:
        """The most planes that range, budget of planes and budget of light allow."""
        full = self.full_planes
        if full is None:
            return None
        limits = [full]
        if self.max_planes is not None:
            limits.append(self.max_planes)
        if self.max_light_ms is not None and self.longest_ms > 0:
            limits.append(math.floor(self.max_light_ms / self.longest_ms + 1e-6))
        return min(limits)

    def plan(self) -> ScanPlan:
        """Make the plan of one volume, with what the loaded experiment adds to it.

        Raises
        ------
        InputError
            If something is missing or makes no sense.
        """
        if self.bottom_um is None or self.top_um is None:
            msg = "set bottom and top of the range"
            raise InputError(msg)
        base = {} if self.base is None else self.base.metadata.get("rmz_acquire") or {}
        exact = base.get("z_um")
        rule: dict[str, Any] = {
            "epsilon": self.epsilon,
            "tau": self.tau,
            "max_gap_um": base.get("max_gap_um"),
        }
        if self.target is not None:
            rule = {**self.target.block(), "calibration": self.target.card}
        return ScanPlan.from_range(
            self.bottom_um,
            self.top_um,
            self.step_um,
            **rule,
            policy=self.policy,
            misfit=self.misfit,
            min_planes=self.min_planes,
            max_planes=self.most_planes,
            first_planes=base.get("first_planes"),
            z_exact_um=None if exact is None else tuple(exact),
        )

    @property
    def longest_ms(self) -> float:
        """Longest exposure of all channels, ms."""
        given = [float(c.exposure) for c in self.channels if c.exposure is not None]
        missing = len(given) < max(1, len(self.channels))
        return max([*given, self.exposure_ms] if missing else given)

    @property
    def volume_count(self) -> int | None:
        """How many volumes the series has, without what positions have of their own."""
        times = 1
        if self.time_plan is not None:
            try:
                times = max(1, len(list(self.time_plan)))
            except (TypeError, ValueError, ZeroDivisionError):
                return None
        fields = 1
        if self.base is not None and self.base.grid_plan is not None:
            fields = max(1, self.base.sizes.get("g", 1))
        places = max(1, len(self.positions))
        return times * places * fields * max(1, len(self.channels))

    def problems(
        self,
        *,
        stage_um: tuple[float, float] = (-math.inf, math.inf),
        optics: Mapping[str, str] | None = None,
        models: list[str] | None = None,
        regions: str = "",
        misfit: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Say what is wrong, by field, the most important first.

        Parameters
        ----------
        stage_um : (float, float)
            Lowest and highest position of the focus stage, µm.
        optics : mapping, optional
            What is wrong with the optics, by field (`ScopeFacts.resolve`).
        models : list of str, optional
            The models there are, where that is known.
        regions : str
            What is wrong with the regions (`deciders`).
        misfit : mapping, optional
            Why the calibration of the stop is not for this scan (`misfit_of`).

        Returns
        -------
        dict
            Name of the field: one line that says what to do. Empty where all is well.
        """
        found: dict[str, str] = {}
        bottom, top = self.bottom_um, self.top_um
        for key, value in (("bottom_um", bottom), ("top_um", top)):
            if value is None:
                found[key] = f"set the {key.removesuffix('_um')} of the range"
        if bottom is not None and top is not None and top <= bottom:
            found["top_um"] = f"the top must lie above the bottom, {bottom:g} µm"
        self._stage(found, stage_um)
        if not self.step_um > 0:
            found["step_um"] = "the step must be above 0 µm"
        elif bottom is not None and top is not None and top > bottom:
            planes = self.full_planes
            if planes is None:
                found["step_um"] = f"the step must be below {top - bottom:g} µm"
            elif planes > 2000:
                found["step_um"] = f"{planes} planes are too many: take a larger step"
        if not self.exposure_ms > 0:
            found["exposure_ms"] = "the exposure must be above 0 ms"
        if self.target is not None:
            found.update(self.target.problems())
        elif not 0 < self.epsilon < 1:
            found["epsilon"] = "the change allowed must lie between 0 and 100 %"
        elif self.tau is not None and not 0 < self.tau:
            found["tau"] = "the innovation allowed must lie above 0 %"
        self._budgets(found)
        method = method_of(self.estimator)
        if method.model and self.model is None and models is not None and not models:
            found["model"] = (
                "no released model is installed: choose one from a folder, or "
                "another reconstruction"
            )
        if method.optics:
            found.update(optics or {})
        if regions or not self.regions:
            found["regions"] = regions or "draw a region, or choose tiles"
        for key, said in (misfit or {}).items():
            found.setdefault(key, said)
        return found

    def _stage(self, found: dict[str, str], stage_um: tuple[float, float]) -> None:
        """Say whether the range, wherever it counts from, is within the stage's."""
        low, high = stage_um
        places = [0.0]
        if self.relative:
            for key, value, wrong in (
                ("bottom_um", self.bottom_um, 1),
                ("top_um", self.top_um, -1),
            ):
                if value is not None and value * wrong > 0:
                    side = "below" if wrong > 0 else "above"
                    found.setdefault(key, f"the {key[:-3]} must lie {side} 0, or at it")
            places = [float(p.z) for p in self.positions if p.z is not None]
            if len(places) < len(self.positions):
                found["positions"] = (
                    "every position needs a z: the range counts from it"
                )
        for key, value in (("bottom_um", self.bottom_um), ("top_um", self.top_um)):
            if value is not None and not all(low <= z + value <= high for z in places):
                said = f"the {key[:-3]} is outside the stage's {low:g} to {high:g} µm"
                found.setdefault(key, said)

    def _budgets(self, found: dict[str, str]) -> None:
        full, most = self.full_planes, self.most_planes
        if full is None or most is None:
            return
        if self.min_planes > full:
            found["min_planes"] = f"the full stack has only {full} planes"
        if most >= self.min_planes:
            return
        if self.max_planes is not None and self.max_planes < self.min_planes:
            found["max_planes"] = (
                f"at most {self.max_planes} planes, yet at least {self.min_planes}"
            )
        elif self.max_light_ms is not None and self.min_planes <= full:
            need = self.min_planes * self.longest_ms
            found["max_light_ms"] = (
                f"{self.min_planes} planes need {need:g} ms of light: allow more"
            )

    def overrides(self) -> dict[str, float | None]:
        """Give the optics that were typed in, or calibrated."""
        return {
            "na": self.na,
            "immersion_index": self.immersion_index,
            "wavelength_um": self.wavelength_um,
            "pixel_size_um": self.pixel_size_um,
            **self.calibration.values(),
        }
