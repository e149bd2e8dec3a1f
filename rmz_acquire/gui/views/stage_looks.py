"""The stage buttons of pymmcore-widgets in the colours of the theme, dim when off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyconify import svg_path
from PyQt6.QtWidgets import QPushButton
from superqt import QIconifyIcon

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from rmz_acquire.gui.theme import Theme

__all__ = ["dress_stage"]

_TIMES = {1: "", 2: "-double", 3: "-triple"}


def dress_stage(stage: QWidget, theme: Theme) -> None:
    """Colour the buttons of a StageWidget.

    Its own are green and red in every theme, and as bright when they do nothing.

    Parameters
    ----------
    stage : StageWidget
        Of one stage.
    theme : Theme
        Whose colours.
    """
    for button in stage.findChildren(QPushButton):
        kind = type(button).__name__
        if kind == "MoveStageButton":
            button.setStyleSheet(_arrow_sheet(button, theme))
        elif kind == "HaltButton":
            icon = QIconifyIcon("bi:sign-stop-fill", color=theme.bad)
            off = QIconifyIcon.Mode.Disabled
            icon.addKey("bi:sign-stop-fill", color=theme.border, mode=off)
            button.setIcon(icon)
            button.setText("Stop")


def _arrow_sheet(button: Any, theme: Theme) -> str:
    across, down = int(button.xmag), int(button.ymag)
    if across:
        way = "right" if across > 0 else "left"
    else:
        way = "up" if down > 0 else "down"
    glyph = f"mdi:chevron{_TIMES[abs(across or down)]}-{way}"

    def image(colour: str) -> str:
        return f"image: url({svg_path(glyph, color=colour).as_posix()});"

    return f"""
MoveStageButton {{ border: none; background: transparent; padding: 0; width: 38px;
  font-size: 30px;
  {image(theme.muted)} }}
MoveStageButton:hover:!pressed {{ {image(theme.accent)} }}
MoveStageButton:pressed {{ {image(theme.text)} }}
MoveStageButton:disabled {{ {image(theme.border)} }}
"""
