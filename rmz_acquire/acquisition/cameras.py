"""What the cameras keep for themselves: exposure and region of interest, brought back.

Both belong to a camera, not to the microscope, and a change of binning throws the
region away. So whoever changes camera or binning brings them back last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymmcore_plus import Keyword

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymmcore_plus import CMMCorePlus

__all__ = ["Box", "Cameras", "crop", "set_property"]

Box = tuple[int, int, int, int]
"""x, y, width and height of a region of interest, binned pixels."""


@dataclass(frozen=True, slots=True)
class Cameras:
    """How cameras stand: which one is selected, and what each keeps.

    Parameters
    ----------
    selected : str
        Label of the core's camera; empty without one.
    exposure_ms : dict of float
        By the label of each camera that may be used.
    roi : dict of Box
        The same.
    """

    selected: str
    exposure_ms: dict[str, float]
    roi: dict[str, Box]

    @classmethod
    def of(cls, core: CMMCorePlus, more: Iterable[str] = ()) -> Cameras:
        """Note them: the selected camera and more, by their labels."""
        selected = str(core.getCameraDevice())
        labels = dict.fromkeys([*([selected] if selected else []), *more])
        return cls(
            selected,
            {label: float(core.getExposure(label)) for label in labels},
            {label: _box(core, label) for label in labels},
        )

    def bring_back(self, core: CMMCorePlus) -> None:
        """Set them as they stood; what stands so already is not touched.

        Raises
        ------
        RuntimeError
            Whatever a camera complains about.
        """
        for label, exposure_ms in self.exposure_ms.items():
            if float(core.getExposure(label)) != exposure_ms:
                core.setExposure(label, exposure_ms)
        for label, box in self.roi.items():
            if _box(core, label) != box:
                _select(core, label)
                crop(core, box)
        if self.selected:
            _select(core, self.selected)


def crop(core: CMMCorePlus, box: Box) -> None:
    """Set the region of interest of the selected camera, from the whole chip."""
    core.clearROI()
    if _box(core, str(core.getCameraDevice())) != box:
        core.setROI(*box)


def set_property(core: CMMCorePlus, device: str, name: str, value: Any) -> None:
    """Set a property, the core's own camera and shutter among them.

    A core with devices in Python does not hear of them as properties.
    """
    if device == Keyword.CoreDevice.value:
        if name == Keyword.CoreCamera.value:
            core.setCameraDevice(str(value))
            return
        if name == Keyword.CoreShutter.value:
            core.setShutterDevice(str(value))
            return
    core.setProperty(device, name, value)


def _select(core: CMMCorePlus, label: str) -> None:
    if core.getCameraDevice() != label:
        core.setCameraDevice(label)


def _box(core: CMMCorePlus, label: str) -> Box:
    x, y, width, height = (int(n) for n in core.getROI(label))
    return x, y, width, height
