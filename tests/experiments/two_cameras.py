"""A small microscope of Micro-Manager's demo devices: two cameras, two objectives."""

from __future__ import annotations

LINES = """
Property,Core,Initialize,0
Device,Hub,DemoCamera,DHub
Device,Cam,DemoCamera,DCam
Device,Cam2,DemoCamera,DCam
Device,Z,DemoCamera,DStage
Device,Piezo,DemoCamera,DStage
Device,XY,DemoCamera,DXYStage
Device,Lamp,DemoCamera,DShutter
Device,Emission,DemoCamera,DWheel
Device,Objective,DemoCamera,DObjective
Parent,Cam,Hub
Parent,Cam2,Hub
Parent,Z,Hub
Parent,Piezo,Hub
Parent,XY,Hub
Parent,Lamp,Hub
Parent,Emission,Hub
Parent,Objective,Hub
Property,Core,Initialize,1
Property,Core,Camera,Cam
Property,Core,Focus,Z
Property,Core,XYStage,XY
Property,Core,Shutter,Lamp
Property,Core,AutoShutter,1
Label,Objective,0,20x/0.75 Air
Label,Objective,1,40x/0.95 Air
Label,Emission,0,520/40
Label,Emission,1,610/60
Property,Cam,OnCameraCCDXSize,96
Property,Cam,OnCameraCCDYSize,64
Property,Cam,PixelType,16bit
Property,Cam2,OnCameraCCDXSize,96
Property,Cam2,OnCameraCCDYSize,64
Property,Cam2,PixelType,16bit
Property,Cam,Binning,1
Property,Cam2,Binning,1
ConfigGroup,System,Startup,Objective,State,0
ConfigGroup,System,Startup,Emission,State,0
ConfigGroup,Channel,Green,Emission,Label,520/40
ConfigGroup,Channel,Red,Emission,Label,610/60
ConfigPixelSize,Res20,Objective,Label,20x/0.75 Air
PixelSize_um,Res20,0.325
ConfigPixelSize,Res40,Objective,Label,40x/0.95 Air
PixelSize_um,Res40,0.1625
"""


def config(path, green=(), red=()):
    """Write it, with more settings of its channels: (device, property, value)."""
    more = [
        f"ConfigGroup,Channel,{channel},{','.join(map(str, setting))}"
        for channel, settings in (("Green", green), ("Red", red))
        for setting in settings
    ]
    path.write_text(LINES + "\n".join(more) + "\n", encoding="utf-8")
    return path
