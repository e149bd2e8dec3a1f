"""What an experiment changes beside focus, light and channel, and brings back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymmcore_plus import FocusDirection

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
    if any(v.first.x_pos is not None or v.first.y_pos is not None for v in volumes):
        stage, focus = core.getXYStageDevice(), core.getFocusDevice()
        known = focus and core.getFocusDirection(focus) != FocusDirection.Unknown
        if known:
            x, y = core.getXYPosition(stage)

            def go_back() -> None:
                core.setXYPosition(stage, x, y)
                core.waitForDevice(stage)

            steps[f"stage {stage!r} cannot be brought back"] = go_back
    events = [v.first for v in volumes]
    if sequence.setup is not None:
        events.append(sequence.setup)
    named = {
        (device, name): core.getProperty(device, name)
        for event in events
        for device, name, _ in event.properties or ()
        if core.hasProperty(device, name)
    }
    for (device, name), value in named.items():

        def set_back(
            device: str = device, name: str = name, value: str = value
        ) -> None:
            core.setProperty(device, name, value)

        steps[f"{device}-{name} cannot be set back"] = set_back
    if any(event.roi is not None for event in events):
        box = core.getROI()

        def uncrop() -> None:
            core.clearROI()
            core.setROI(*box)

        steps["the region of interest cannot be set back"] = uncrop
    return steps
