"""What an experiment changes beside focus, light, channel and camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymmcore_plus import FocusDirection

from rmz_acquire.acquisition.cameras import set_property
from rmz_acquire.acquisition.image_format import CAMERA

if TYPE_CHECKING:
    from collections.abc import Callable

    import useq
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.experiments.volumes import Volume

__all__ = ["steps_back"]


def steps_back(
    core: CMMCorePlus, sequence: useq.MDASequence, volumes: list[Volume]
) -> dict[str, Callable[[], None]]:
    """Note how the microscope stands where the experiment will change it.

    The XY stage goes back only where the direction of the focus is known, as the
    stock engine has it: sideways under a lowered objective is how slides break.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    sequence : useq.MDASequence
        The experiment.
    volumes : list of Volume
        Its volumes.

    Returns
    -------
    dict
        The steps, by what to say where one fails.
    """
    steps: dict[str, Callable[[], None]] = {}
    events = [v.first for v in volumes]
    if sequence.setup is not None:
        events.append(sequence.setup)
    if any(event.x_pos is not None or event.y_pos is not None for event in events):
        stage, focus = core.getXYStageDevice(), core.getFocusDevice()
        known = focus and core.getFocusDirection(focus) != FocusDirection.Unknown
        if known:
            x, y = core.getXYPosition(stage)

            def go_back() -> None:
                core.setXYPosition(stage, x, y)
                core.waitForDevice(stage)

            steps[f"stage {stage!r} cannot be brought back"] = go_back
    named = {
        (device, name): core.getProperty(device, name)
        for event in events
        for device, name, _ in event.properties or ()
        if (device, name) != CAMERA and core.hasProperty(device, name)
    }
    for (device, name), value in named.items():

        def set_back(
            device: str = device, name: str = name, value: str = value
        ) -> None:
            set_property(core, device, name, value)

        steps[f"{device}-{name} cannot be set back"] = set_back
    return steps
