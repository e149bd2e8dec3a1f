"""Small experiments, linear and quick."""

from __future__ import annotations

import useq
from pymmcore_plus import DeviceType, Keyword


def sequence(block=None, **given):
    """An experiment with our block, linear and quick."""
    settings = {
        "version": 1,
        "estimator": "linear",
        "epsilon": 1e-9,
        "max_planes": 4,
        **(block or {}),
    }
    given.setdefault("z_plan", {"range": 6, "step": 1})
    given.setdefault("channels", [{"config": "DAPI", "exposure": 1}])
    return useq.MDASequence(metadata={"rmz_acquire": settings}, **given)


def standing(core):
    """How a microscope stands: every property, each camera's own, the stages."""
    told = {
        (device, name): core.getProperty(device, name)
        for device in core.getLoadedDevices()
        for name in core.getDevicePropertyNames(device)
    }
    for camera in core.getLoadedDevicesOfType(DeviceType.Camera):
        told[camera, "exposure"] = core.getExposure(camera)
        told[camera, "roi"] = tuple(core.getROI(camera))
    told["camera"] = core.getCameraDevice()
    told["xyz"] = (*core.getXYPosition(), core.getPosition())
    told.pop((Keyword.CoreDevice.value, "Initialize"), None)
    return told
