"""What the stop rule looks at, each term a light with its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from rmz_acquire.gui.theme import DARK
from rmz_acquire.recording.stop_terms import told_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PyQt6.QtGui import QPaintEvent, QResizeEvent

    from rmz_acquire.gui.theme import Theme
    from rmz_acquire.recording.stop_terms import ToldTerm

__all__ = ["RuleLights"]

_LIGHT, _GAP, _APART, _SIDE = 9, 4, 11, 10
"""Pixels: of a light, from it to its words, to the next light, and at both ends."""

_TRAPS = ("new z", "frame")
"""Of these the number tells nothing while all is well."""


def _brief(told: ToldTerm) -> str:
    if told.met and told.short in _TRAPS:
        return told.short
    return (
        f"{told.short} {told.value or '–'} {told.limit}" if told.limit else told.short
    )


_WORDS: tuple[Callable[[ToldTerm], str], ...] = (
    str,
    lambda told: f"{told.short} {told.numbers}".strip(),
    _brief,
    lambda told: f"{told.short} {told.value}".strip(),
)
"""What is said of a term, the less the less room there is; never less than that."""


class RuleLights(QWidget):
    """Full where a term is as it must be, a ring where not; hidden without a rule.

    Takes the width that is there, and another row where that is too little for a name
    and a number of each; all is in the tooltip. A row that was needed stays until the
    next run, so that pictures do not jump.
    """

    def __init__(self) -> None:
        super().__init__()
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Ignored, policy.Fixed)
        self._theme = DARK
        self._told: list[ToldTerm] = []
        self._high = 1
        self.clear()

    @property
    def told(self) -> Sequence[ToldTerm]:
        """What is shown."""
        return tuple(self._told)

    def dress(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        self.update()

    def clear(self) -> None:
        """Begin anew."""
        self._high = 1
        self.show_terms(())

    def show_terms(self, terms: Sequence[Mapping[str, Any]]) -> None:
        """Show what the rule looked at last, as `Decision.terms` has it."""
        self._told = told_terms(terms)
        lines = [
            f"{'●' if told.met else '○'}  {told}"
            + (f"  ({told.meaning})" if told.meaning else "")
            for told in self._told
        ]
        said = "\n".join(["The scan stops when every light is on:", *lines])
        self.setToolTip(said if lines else "")
        self.setAccessibleName("Stop rule")
        self.setAccessibleDescription(self.toolTip())
        self.setVisible(bool(lines))
        self._lay_out()

    def rows(self, width: int) -> list[list[str]]:
        """Give what is said beside each light in so many pixels, row by row."""
        rows: list[list[str]] = []
        for most in range(self._high, max(self._high, len(self._told)) + 1):
            for say in _WORDS:
                rows = self._wrapped([say(told) for told in self._told], width)
                if len(rows) <= most:
                    return rows
        return rows

    def _wrapped(self, words: Sequence[str], width: int) -> list[list[str]]:
        rows: list[list[str]] = []
        room = 0
        for each in words:
            if not rows or self._width(each) - _APART > room:
                rows.append([])
                room = width - 2 * _SIDE
            rows[-1].append(each)
            room -= self._width(each)
        return rows

    def _lay_out(self) -> None:
        self._high = max(self._high, len(self.rows(self.width())))
        self.updateGeometry()
        self.update()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Take as many rows as the new width needs."""
        super().resizeEvent(event)
        if event is not None and event.oldSize().width() != self.width():
            self._high = 1
            self._lay_out()

    def sizeHint(self) -> QSize:
        """All rows, of any width."""
        return QSize(0, self._high * self.fontMetrics().height() + 6)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the lights from the left, row by row."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        told, high = iter(self._told), self.fontMetrics().height()
        for row, words in enumerate(self.rows(self.width())):
            x = float(_SIDE)
            for each in words:
                self._draw(
                    painter, next(told), each, QRectF(x, 3 + row * high, 0, high)
                )
                x += self._width(each)

    def _draw(
        self, painter: QPainter, told: ToldTerm, words: str, place: QRectF
    ) -> None:
        light = QRectF(0, 0, _LIGHT - 2, _LIGHT - 2)
        light.moveCenter(place.center())
        light.moveLeft(place.left() + 1)
        colour = QColor(self._theme.good if told.met else self._theme.warn)
        painter.setPen(QPen(colour, 1.6))
        painter.setBrush(colour if told.met else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(light)
        painter.setPen(QColor(self._theme.text if told.met else self._theme.warn))
        place.setWidth(self._width(words))
        place.setLeft(place.left() + _LIGHT + _GAP)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, words)

    def _width(self, words: str) -> int:
        """Pixels from one light to the next."""
        return _LIGHT + _GAP + self.fontMetrics().horizontalAdvance(words) + _APART
