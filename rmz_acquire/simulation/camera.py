"""A simulated camera for Micro-Manager that looks through the microscope around it.

The picture follows from the specimen, the focus stage, the XY stage, the objective in
the turret, the pixel size, the emission filter and the shutter of the core that it is
loaded in. Load it with `rmz_acquire.acquisition.open_core`, or call
`connect_simulation(core)` after loading a configuration in any other way.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pymmcore_plus import DeviceType, Keyword
from pymmcore_plus.experimental.unicore import SimpleCameraDevice

from rmz_acquire.errors import InputError
from rmz_acquire.simulation.bleaching import BleachLedger
from rmz_acquire.simulation.devices import Choices, SimulatedDevice, device_behind
from rmz_acquire.simulation.faults import CameraFaults
from rmz_acquire.simulation.scene import Field, RecordedScene, RenderedScene
from rmz_acquire.simulation.simulated_scope import CoreScope
from rmz_acquire.simulation.specimens import SPECIMENS
from rmz_acquire.simulation.widefield import CameraModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.simulation.simulated_scope import Scope

__all__ = ["SimulatedCamera", "connect_simulation", "simulated_camera"]

_EXPOSURE_MS = (0.01, 10000.0)


class SimulatedCamera(SimulatedDevice, SimpleCameraDevice):
    """Simulated camera: a 3D specimen in wide field, shot and read noise, bleaching.

    Every property is in the device browser with its limits. ``Specimen`` is the name
    of a specimen or the file of a recorded stack, whose planes it then delivers as
    they are. ``Seed`` makes specimen and noise; setting it or the specimen gives a
    fresh, unbleached one.
    """

    def __init__(self) -> None:
        self._model = CameraModel()
        self._exposure_ms = 50.0
        self._binning = 1
        self._side_px = 256
        self._specimen = "beads"
        self._seed = 0
        self._depth_um, self._width_um = 40.0, 250.0
        self._stack_step_um = 0.0
        self._bleaching = BleachLedger()
        self._scope: Scope | None = None
        self._scene: RenderedScene | None = None
        self._recorded: RecordedScene | None = None
        self._rng = np.random.default_rng()
        self._fresh_specimen()
        super().__init__()
        self._faults = CameraFaults(self)
        self._add_properties()

    def connect(self, scope: Scope) -> None:
        """Put the camera on a microscope.

        Parameters
        ----------
        scope : Scope
            What it looks through.
        """
        self._scope = scope

    # ---- what Micro-Manager asks a camera -----------------------------------------

    def sensor_shape(self) -> tuple[int, int]:
        """Height and width of the full picture, binned pixels."""
        height, width = self._sensor_px()
        return height // self._binning, width // self._binning

    def dtype(self) -> DTypeLike:
        """Sixteen bits, whatever the bit depth of the converter."""
        return np.uint16

    def get_exposure(self) -> float:
        """Exposure, ms."""
        return self._exposure_ms

    def set_exposure(self, exposure: float) -> None:
        """Set the exposure, ms.

        Raises
        ------
        ValueError
            Outside its limits.
        """
        value, (low, high) = float(exposure), _EXPOSURE_MS
        if not low <= value <= high:
            msg = f"an exposure of {value:g} ms is outside {low:g} to {high:g} ms"
            raise ValueError(msg)
        self._exposure_ms = value

    def get_binning(self) -> int:
        """Pixels along the side of a binned one."""
        return self._binning

    def set_binning(self, value: int) -> None:
        """Set the binning; the region of interest is given up, as cameras do."""
        self._binning = int(value)
        self.clear_roi()

    def get_offset(self) -> float:
        """Give the counts in the dark."""
        return self._model.offset

    def set_offset(self, value: float) -> None:
        """Set the counts in the dark."""
        self._model = replace(self._model, offset=float(value))

    def snap(self, buffer: NDArray[Any]) -> Mapping[str, Any]:
        """Expose once, in the time that the exposure takes, into the buffer."""
        begin = time.perf_counter()
        scope = self._look()
        self._faults.expose()
        z_um = scope.z_um() - self._faults.moved_um()
        if self._recorded is not None:
            buffer[:] = self._bin(self._recorded.at(z_um), np.mean)
            self._faults.spoil(buffer, self._model.offset, 65535)
            return {"Simulated_z_um": z_um}
        field = self._field(scope)
        if scope.lit():
            factor = self._bleaching.expose(
                field.centre_um, field.size_um, self._exposure_ms
            )
            light = self._bin(self._rendered(field).light(z_um), np.sum)
            light = light * np.float32(factor)
        else:
            factor, light = 0.0, np.zeros(self.sensor_shape(), np.float32)
        buffer[:] = self._pixel().expose(light, self._exposure_ms, self._rng)
        self._faults.spoil(buffer, self._model.offset, 2**self._model.bit_depth - 1)
        rest_s = self._exposure_ms / 1000 - (time.perf_counter() - begin)
        if rest_s > 0:
            time.sleep(rest_s)
        return {"Simulated_z_um": z_um, "Simulated_brightness": factor}

    def shutdown(self) -> None:
        """Let go of the microscope and of what was rendered."""
        self._scope = self._scene = None

    # ---- what only a simulation can tell ------------------------------------------

    def expected(self, z_um: Sequence[float]) -> NDArray[np.float32]:
        """Mean counts at these focus positions, as the camera is set now: the truth.

        Neither noise nor saturation nor bleaching; binning and region of interest as
        set. Takes no light and no time on the specimen.

        Parameters
        ----------
        z_um : sequence of float
            (n,) focus positions, µm; fast where they are even.

        Returns
        -------
        ndarray
            (n, Y, X) float32, counts.
        """
        x, y, width, height = self.get_roi()
        if self._recorded is not None:
            planes = np.stack([self._recorded.at(float(z)) for z in z_um])
            counts = self._bin(planes, np.mean).astype(np.float32)
        else:
            light = self._rendered(self._field(self._look())).stack(z_um)
            model = self._pixel()
            counts = model.expected(self._bin(light, np.sum), self._exposure_ms)
        return counts[:, y : y + height, x : x + width]

    def dose_ms(self) -> float:
        """Light that the specimen in the field has had, ms."""
        field = self._field(self._look())
        return self._bleaching.dose_ms(field.centre_um, field.size_um)

    # ---- inside -------------------------------------------------------------------

    def _add_properties(self) -> None:
        add, model = self.add_property, self._of_model
        self.set_property_limits(Keyword.Exposure, _EXPOSURE_MS)
        self.set_property_allowed_values(Keyword.Binning, Choices((1, 2, 4)))
        self.set_property_limits(Keyword.Offset, (0.0, 10000.0))
        add(
            "Specimen",
            str,
            lambda: self._specimen,
            self._set_specimen,
            description=f"{', '.join(sorted(SPECIMENS))}, or the file of a stack",
        )
        add(
            "Seed",
            int,
            lambda: self._seed,
            self._set_seed,
            limits=(0, 2**31 - 1),
            description="of the specimen and of the noise",
        )
        for name, attribute, limits, description in (
            ("Depth_um", "_depth_um", (1.0, 200.0), "thickness of the specimen, µm"),
            ("Width_um", "_width_um", (10.0, 2000.0), "extent in y and x, µm"),
            ("StackStep_um", "_stack_step_um", (0.0, 100.0), "of a recorded stack, µm"),
        ):
            add(
                name,
                float,
                partial(getattr, self, attribute),
                partial(self._set_body, attribute),
                limits=limits,
                description=description,
            )
        add(
            "SensorSize_px",
            int,
            lambda: self._side_px,
            self._set_side,
            choices=(64, 128, 256, 512, 1024),
            description="unbinned pixels along each side",
        )
        add(
            "Bleaching_per_ms",
            float,
            lambda: self._bleaching.rate_per_ms,
            lambda value: setattr(self._bleaching, "rate_per_ms", value),
            limits=(0.0, 1.0),
            description="part of the brightness lost per ms of light",
        )
        model("Photons_per_ms", "photons", (0.0, 1e5), "at light 1, on a pixel")
        model("QuantumEfficiency", "quantum_efficiency", (0.0, 1.0), "e- per photon")
        model("Gain_e_per_count", "gain", (0.01, 100.0), "e- per count")
        model("ReadNoise_e", "read_noise_e", (0.0, 100.0), "e-, RMS")
        model("DarkCurrent_e_per_s", "dark_e_per_s", (0.0, 1e4), "e- a pixel and s")
        model("FullWell_e", "full_well_e", (100.0, 1e6), "e- that a pixel holds")
        add(
            "BitDepth",
            int,
            lambda: self._model.bit_depth,
            lambda value: self._set_model(bit_depth=value),
            choices=(12, 16),
            description="of the converter",
        )

    def _of_model(
        self, name: str, field: str, limits: tuple[float, float], description: str
    ) -> None:
        self.add_property(
            name,
            float,
            lambda: getattr(self._model, field),
            lambda value: self._set_model(**{field: value}),
            limits=limits,
            description=description,
        )

    def _set_model(self, **values: Any) -> None:
        self._model = replace(self._model, **values)

    def _set_specimen(self, value: str) -> None:
        if value in SPECIMENS:
            self._recorded = None
        elif Path(value).suffix or Path(value).exists():
            self._recorded = RecordedScene(Path(value), self._stack_step_um)
        else:
            known = ", ".join(sorted(SPECIMENS))
            msg = f"no specimen named {value!r}: choose one of {known}, or a stack file"
            raise InputError(msg)
        self._specimen = value
        self._fresh_specimen()

    def _set_seed(self, value: int) -> None:
        self._seed = value
        self._fresh_specimen()

    def _set_body(self, attribute: str, value: float) -> None:
        setattr(self, attribute, value)
        self._set_specimen(self._specimen)

    def _set_side(self, value: int) -> None:
        self._side_px = value
        self.clear_roi()

    def _fresh_specimen(self) -> None:
        self._scene = None
        self._rng = np.random.default_rng([self._seed, 7])
        self._bleaching.forget()
        if "_roi" in vars(self):
            self.clear_roi()

    def _sensor_px(self) -> tuple[int, int]:
        if self._recorded is None:
            return self._side_px, self._side_px
        height, width = self._recorded.counts.shape[1:]
        return height, width

    def _look(self) -> Scope:
        if self._scope is None:
            msg = (
                "the simulated camera is on no microscope: load the configuration with "
                "rmz_acquire.acquisition.open_core, or call connect_simulation(core)"
            )
            raise RuntimeError(msg)
        return self._scope

    def _field(self, scope: Scope) -> Field:
        return Field(
            self._specimen,
            self._seed,
            self._depth_um,
            self._width_um,
            scope.optics(),
            self._sensor_px(),
            scope.centre_um(),
        )

    def _rendered(self, field: Field) -> RenderedScene:
        if self._scene is None or self._scene.field != field:
            self._scene = None  # first, so that there are never two of them in memory
            self._scene = RenderedScene(field)
        return self._scene

    def _pixel(self) -> CameraModel:
        """Model a binned pixel: charge is added up before it is read once."""
        area = self._binning**2
        return replace(
            self._model,
            full_well_e=self._model.full_well_e * area,
            dark_e_per_s=self._model.dark_e_per_s * area,
        )

    def _bin(self, pictures: NDArray[Any], how: Callable[..., Any]) -> NDArray[Any]:
        b = self._binning
        if b == 1:
            return pictures
        *n, height, width = pictures.shape
        height, width = height // b, width // b
        pictures = pictures[..., : height * b, : width * b]
        out: NDArray[Any] = how(pictures.reshape(*n, height, b, width, b), (-3, -1))
        return out


def connect_simulation(core: CMMCorePlus) -> int:
    """Put every simulated camera of a core on the core's microscope.

    Parameters
    ----------
    core : CMMCorePlus
        With a loaded configuration; again after loading another one.

    Returns
    -------
    int
        How many simulated cameras there are.
    """
    cameras = [
        camera
        for label in core.getLoadedDevicesOfType(DeviceType.Camera)
        if (camera := device_behind(core, label, SimulatedCamera)) is not None
    ]
    for camera in cameras:
        camera.connect(CoreScope(core))
    return len(cameras)


def simulated_camera(core: CMMCorePlus) -> SimulatedCamera:
    """Give the core's camera as an object, for what only a simulation can tell.

    Parameters
    ----------
    core : CMMCorePlus
        With a simulated camera as its current one.

    Returns
    -------
    SimulatedCamera

    Raises
    ------
    InputError
        If its camera is another one.
    """
    camera = device_behind(core, core.getCameraDevice(), SimulatedCamera)
    if camera is None:
        msg = f"camera {core.getCameraDevice()!r} is not simulated: it knows no truth"
        raise InputError(msg)
    return camera
