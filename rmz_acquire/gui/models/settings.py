"""What a user asks of a scan in the window, and what is wrong with it.

A frozen value without Qt: the form makes one of what is typed, marks the fields that
`problems` names, and hands it to the controller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from rmz_acquire.errors import InputError
from rmz_acquire.scanning import ScanPlan

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.optics import Optics

__all__ = ["ScanSettings", "ScopeFacts"]

NEEDS_OPTICS = ("recurrent-mz", "wiener")


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """A scan of one volume as it is typed in.

    Parameters
    ----------
    bottom_um, top_um : float or None
        Ends of the z range, µm; None until they are set.
    step_um : float
        Step of the z grid, µm.
    exposure_ms : float
        Of every plane, ms.
    channel : (str, str) or None
        Configuration group and preset; None leaves the channel as it is.
    estimator : str
        What makes the volume.
    model : str or None
        Name or folder of the model, for recurrent-mz.
    epsilon : float
        The scan stops once the volume's relative change is so small.
    policy : {"bisect", "uniform"}
        Where the next plane is taken.
    min_planes : int
        No stop with fewer.
    max_planes : int or None
        The most planes; None for the whole grid.
    max_light_ms : float or None
        The most light, ms of exposure; None for as much as the planes take.
    na, immersion_index, wavelength_um, pixel_size_um : float or None
        Optics where the configuration does not tell them, or tells them wrong.
    z_exact_um : tuple of float or None
        Exactly these planes, in this order.
    """

    bottom_um: float | None = None
    top_um: float | None = None
    step_um: float = 0.5
    exposure_ms: float = 50.0
    channel: tuple[str, str] | None = None
    estimator: str = "recurrent-mz"
    model: str | None = None
    epsilon: float = 0.05
    policy: Literal["bisect", "uniform"] = "bisect"
    min_planes: int = 4
    max_planes: int | None = None
    max_light_ms: float | None = None
    na: float | None = None
    immersion_index: float | None = None
    wavelength_um: float | None = None
    pixel_size_um: float | None = None
    z_exact_um: tuple[float, ...] | None = None

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
        if self.max_light_ms is not None and self.exposure_ms > 0:
            limits.append(math.floor(self.max_light_ms / self.exposure_ms + 1e-6))
        return min(limits)

    def plan(self) -> ScanPlan:
        """Make the plan of it.

        Raises
        ------
        InputError
            In one line, if something is missing or makes no sense.
        """
        problems = self.problems()
        if problems:
            raise InputError(next(iter(problems.values())))
        assert self.bottom_um is not None and self.top_um is not None
        most = self.most_planes
        assert most is not None
        return ScanPlan.from_range(
            self.bottom_um,
            self.top_um,
            self.step_um,
            epsilon=self.epsilon,
            policy=self.policy,
            first_planes=min(3, most),
            min_planes=self.min_planes,
            max_planes=most,
            z_exact_um=self.z_exact_um,
        )

    def full_stack(self) -> ScanSettings:
        """Give the scan of every plane of the grid, to compare with."""
        grid = replace(self, max_planes=None, max_light_ms=None, z_exact_um=None)
        z_um = replace(grid, min_planes=1).plan().z_um
        return replace(grid, estimator="nearest", min_planes=1, z_exact_um=z_um)

    def problems(
        self,
        *,
        stage_um: tuple[float, float] = (-math.inf, math.inf),
        optics_problem: str | None = None,
        models: list[str] | None = None,
    ) -> dict[str, str]:
        """Say what is wrong, by field, the most important first.

        Parameters
        ----------
        stage_um : (float, float)
            Lowest and highest position of the focus stage, µm.
        optics_problem : str, optional
            Why the optics are not known.
        models : list of str, optional
            The models there are, where that is known.

        Returns
        -------
        dict
            Name of the field: one line that says what to do. Empty where all is well.
        """
        found: dict[str, str] = {}
        bottom, top = self.bottom_um, self.top_um
        low, high = stage_um
        for key, value in (("bottom_um", bottom), ("top_um", top)):
            name = key.removesuffix("_um")
            if value is None:
                found[key] = f"set the {name} of the range"
            elif not low <= value <= high:
                found[key] = f"the {name} is outside the stage's {low:g} to {high:g} µm"
        if bottom is not None and top is not None and top <= bottom:
            found.setdefault(
                "top_um", f"the top must lie above the bottom, {bottom:g} µm"
            )
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
        if not 0 < self.epsilon < 1:
            found["epsilon"] = "the change allowed must lie between 0 and 100 %"
        self._budgets(found)
        if self.estimator == "recurrent-mz" and models is not None:
            if not models and self.model is None:
                found["model"] = (
                    "no released model is installed: choose one from a folder, or "
                    "another reconstruction"
                )
            elif self.model is None:
                found["model"] = "choose a model"
        if optics_problem is not None and self.estimator in NEEDS_OPTICS:
            found["optics"] = optics_problem
        return found

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
                f"at most {self.max_planes} planes is below at least {self.min_planes}"
            )
        elif self.max_light_ms is not None and self.min_planes <= full:
            need = self.min_planes * self.exposure_ms
            found["max_light_ms"] = (
                f"{self.min_planes} planes need {need:g} ms of light: allow more"
            )

    def overrides(self) -> dict[str, float | None]:
        """Give the optics that were typed in, as `optics_from_core` takes them."""
        return {
            "na": self.na,
            "immersion_index": self.immersion_index,
            "wavelength_um": self.wavelength_um,
            "pixel_size_um": self.pixel_size_um,
        }


@dataclass(frozen=True, slots=True)
class ScopeFacts:
    """What the microscope tells of itself, read once and not on the GUI thread.

    Parameters
    ----------
    exposure_ms : float
        Of the camera, ms; 0 without one.
    channel : (str, str) or None
        Group and preset in place.
    stage_um : (float, float)
        Lowest and highest position of the focus stage, µm.
    optics : dict
        na, immersion_index, wavelength_um, pixel_size_um; None where not told.
    missing : str or None
        Which device is missing, if one is.
    """

    exposure_ms: float = 0.0
    channel: tuple[str, str] | None = None
    stage_um: tuple[float, float] = (-math.inf, math.inf)
    optics: dict[str, float | None] = field(default_factory=dict)
    missing: str | None = None

    @classmethod
    def of(cls, core: CMMCorePlus) -> ScopeFacts:
        """Read them; devices may take their time to answer."""
        from rmz_acquire.acquisition import stage_limits_um

        channel = None
        group = core.getChannelGroup()
        if group:
            preset = core.getCurrentConfig(group)
            channel = (str(group), str(preset)) if preset else None
        camera, focus = core.getCameraDevice(), core.getFocusDevice()
        missing = None
        if not camera or not focus:
            what = "focus stage" if camera else "camera"
            missing = f"the configuration has no {what}"
        return cls(
            exposure_ms=float(core.getExposure()) if camera else 0.0,
            channel=channel,
            stage_um=stage_limits_um(core, focus) if focus else (0.0, 0.0),
            optics={name: _told(core, name) for name in _STANDINS},
            missing=missing,
        )

    def resolve(
        self, given: dict[str, float | None] | None = None
    ) -> tuple[Optics | None, str | None]:
        """Give the optics, or say why they are not known.

        Parameters
        ----------
        given : dict, optional
            `ScanSettings.overrides`, which go first.

        Returns
        -------
        (Optics or None, str or None)
        """
        from pydantic import ValidationError

        from rmz_acquire.optics import Optics

        typed = {k: v for k, v in (given or {}).items() if v is not None}
        values = {**self.optics, **typed}
        unknown = [_WORDS[name] for name in _WORDS if values.get(name) is None]
        if unknown:
            told = ", ".join(unknown)
            return None, f"the configuration does not tell {told}: type it in"
        try:
            return Optics.model_validate(values), None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = _WORDS.get(str(first["loc"][0]), "") if first["loc"] else ""
            said = first["msg"].removeprefix("Value error, ")
            return None, f"{name}: {said}" if name else said


_WORDS = {
    "na": "the NA",
    "immersion_index": "the immersion index",
    "wavelength_um": "the emission wavelength",
    "pixel_size_um": "the pixel size",
}
# so that one number can be read where another is not told
_STANDINS = {
    "na": 0.01,
    "immersion_index": 9.0,
    "wavelength_um": 0.5,
    "pixel_size_um": 0.1,
}


def _told(core: CMMCorePlus, name: str) -> float | None:
    from rmz_acquire.acquisition import optics_from_core

    others: dict[str, Any] = {k: v for k, v in _STANDINS.items() if k != name}
    try:
        return float(getattr(optics_from_core(core, **others), name))
    except InputError:
        return None
