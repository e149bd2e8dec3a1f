"""Fields of the forms: numbers with units, positions, marks on what is wrong."""

from __future__ import annotations

import math

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QScrollArea,
    QSpinBox,
    QWidget,
)

__all__ = [
    "ZBox",
    "mark",
    "may_shrink",
    "number",
    "restyle",
    "scrolled",
    "spacer",
    "spin",
    "whole",
]


class ZBox(QDoubleSpinBox):
    """A position, µm, that is empty until it is set."""

    _EMPTY = -100_000.0

    def __init__(self) -> None:
        super().__init__()
        self.setRange(self._EMPTY, 100_000)
        self.setDecimals(2)
        self.setSuffix(" µm")
        self.setSpecialValueText("not set")
        self.setValue(self._EMPTY)
        self.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)

    def um(self) -> float | None:
        """Position, or None."""
        value = self.value()
        return None if value <= self._EMPTY else value

    def set_um(self, z_um: float | None) -> None:
        """Set the position, or None."""
        self.setValue(self._EMPTY if z_um is None else z_um)

    def textFromValue(self, value: float) -> str:
        """Without the suffix's number format of the locale."""
        return f"{value:.2f}"

    def valueFromText(self, text: str | None) -> float:
        """Read what was typed; empty means not set."""
        said = (text or "").removesuffix("µm").strip().replace(",", ".")
        try:
            return float(said)
        except ValueError:
            return self._EMPTY


def mark(widget: QWidget, wrong: bool, said: str) -> None:
    """Mark a field as wrong and say why in its tooltip, or take the mark off."""
    if widget.property("told") is None:
        widget.setProperty("told", widget.toolTip())
    widget.setToolTip(said if wrong else widget.property("told"))
    if bool(widget.property("wrong")) != wrong:
        widget.setProperty("wrong", wrong)
        restyle(widget)


def scrolled() -> QScrollArea:
    """Give what a column of fields lies in: it scrolls up and down alone."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def restyle(widget: QWidget) -> None:
    """Let a style sheet see a changed property or name."""
    style = widget.style()
    assert style is not None
    style.unpolish(widget)
    style.polish(widget)


def spacer() -> QWidget:
    """Something that takes the room that is left over."""
    widget = QWidget()
    policy = widget.sizePolicy()
    policy.setHorizontalPolicy(policy.Policy.Expanding)
    widget.setSizePolicy(policy)
    return widget


def spin(
    low: float, high: float, value: float, unit: str, decimals: int, tip: str
) -> QDoubleSpinBox:
    """A number with a unit."""
    box = QDoubleSpinBox()
    box.setDecimals(decimals)
    box.setRange(low, high)
    box.setValue(value)
    box.setSuffix(unit)
    box.setToolTip(tip)
    box.setAlignment(Qt.AlignmentFlag.AlignRight)
    return box


def whole(low: int, high: int, value: int, tip: str) -> QSpinBox:
    """A number of planes."""
    box = QSpinBox()
    box.setRange(low, high)
    box.setValue(value)
    box.setSuffix(" planes")
    box.setToolTip(tip)
    box.setAlignment(Qt.AlignmentFlag.AlignRight)
    return box


def number(field: QLineEdit, scale: float = 1.0) -> float | None:
    """What was typed; NaN where it is no number, so that it is refused, not ignored."""
    text = field.text().strip().replace(",", ".")
    if not text:
        return None
    try:
        return float(text) / scale
    except ValueError:
        return math.nan


def may_shrink(box: QComboBox) -> QComboBox:
    """Let a list be narrower than its longest entry, in a narrow panel."""
    box.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    box.setMinimumContentsLength(8)
    return box
