"""What the simulated devices share: properties, and a way to find one in a core.

A device written in Python sees of its core only ``.events``, and a core gives no
public access to the device object behind a label. A camera that looks through an
objective needs its stage and turret all the same. So every simulated device carries a
read-only property with its own number; who has the core reads it and finds the object
here (`device_behind`). Nothing private is touched.
"""

from __future__ import annotations

import itertools
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from pymmcore_plus.experimental.unicore import Device, UniMMCore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pymmcore_plus import CMMCorePlus, DeviceType

__all__ = ["Choices", "SimulatedDevice", "device_behind", "first_device"]

INSTANCE = "SimulationNumber"

_numbers = itertools.count(1)
_devices: weakref.WeakValueDictionary[int, SimulatedDevice] = (
    weakref.WeakValueDictionary()
)


class Choices(tuple[Any, ...]):
    """Allowed values that are met by their text too: a .cfg file holds only text."""

    __slots__ = ()

    def __contains__(self, value: object) -> bool:
        """Whether the value, or its text, is one of them."""
        return str(value) in {str(choice) for choice in self}


class SimulatedDevice(Device):
    """A Python device that can be found through its core."""

    def __init__(self) -> None:
        super().__init__()
        self._number = next(_numbers)
        _devices[self._number] = self
        self.register_property(
            INSTANCE,
            getter=lambda _device: self._number,
            is_read_only=True,
            property_type=int,
        )

    def add_property(
        self,
        name: str,
        kind: type,
        getter: Callable[[], Any],
        setter: Callable[[Any], None] | None = None,
        *,
        limits: tuple[float, float] | None = None,
        choices: Iterable[Any] | None = None,
        description: str = "",
    ) -> None:
        """Register a property of this instance.

        Parameters
        ----------
        name : str
            With its unit.
        kind : type
            int, float or str; what comes as text is converted to it.
        getter, setter : callable
            Without the device; no setter, read-only.
        limits : (float, float), optional
            Lowest and highest value.
        choices : iterable, optional
            The values allowed.
        description : str
            One line.
        """

        def set_value(_device: Any, value: Any) -> None:
            assert setter is not None
            setter(kind(float(value)) if kind is int else kind(value))

        self.register_property(
            name,
            getter=lambda _device: getter(),
            setter=set_value if setter else None,
            limits=limits,
            allowed_values=Choices(choices) if choices is not None else None,
            property_type=kind,
            is_read_only=setter is None,
        )
        self.get_property_info(name).description = description


D = TypeVar("D", bound=SimulatedDevice)


def device_behind(core: CMMCorePlus, label: str, kind: type[D]) -> D | None:
    """Find the simulated device that a core has under a label.

    Parameters
    ----------
    core : CMMCorePlus
        The core.
    label : str
        The device's label.
    kind : type
        What it must be.

    Returns
    -------
    SimulatedDevice or None
        None where the device is not simulated, or of another kind.
    """
    if not isinstance(core, UniMMCore) or not core.isPyDevice(label):
        return None
    if not core.hasProperty(label, INSTANCE):
        return None
    device = _devices.get(int(core.getProperty(label, INSTANCE)))
    return device if isinstance(device, kind) else None


def first_device(core: CMMCorePlus, role: DeviceType, kind: type[D]) -> D | None:
    """Find the first simulated device of a kind that a core has loaded.

    Parameters
    ----------
    core : CMMCorePlus
        The core.
    role : DeviceType
        What it is to Micro-Manager.
    kind : type
        What it must be.

    Returns
    -------
    SimulatedDevice or None
        None where there is none.
    """
    labels = core.getLoadedDevicesOfType(role)
    found = (device_behind(core, label, kind) for label in labels)
    return next((device for device in found if device is not None), None)
