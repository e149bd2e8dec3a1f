"""What the stop rule looks at, each term a light with its number, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from rmz_acquire.gui.theme import DARK
from rmz_acquire.recording.stop_terms import told_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PyQt6.QtGui import QPaintEvent

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
    lambda told: told.short,
    lambda _: "",
)
"""What is said of a term, the less the less room there is."""


class RuleLights(QWidget):
    """Full where a term is as it must be, a ring where not; hidden without a rule.

    Takes the width that is there: numbers before words, and all is in the tooltip.
    """

    def __init__(self) -> None:
        super().__init__()
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Ignored, policy.Fixed)
        self._theme = DARK
        self._told: list[ToldTerm] = []
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
        self.update()

    def words(self, width: int) -> list[str]:
        """Give what is said beside each light in so many pixels."""
        for say in _WORDS:
            said = [say(told) for told in self._told]
            if sum(map(self._width, said)) + 2 * _SIDE - _APART <= width:
                break
        return said if self._told else []

    def sizeHint(self) -> QSize:
        """One line, of any width."""
        return QSize(0, self.fontMetrics().height() + 6)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the lights from the left."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x, middle = float(_SIDE), self.height() / 2
        for told, words in zip(self._told, self.words(self.width()), strict=True):
            light = QRectF(x + 1, middle - _LIGHT / 2 + 1, _LIGHT - 2, _LIGHT - 2)
            colour = QColor(self._theme.good if told.met else self._theme.warn)
            painter.setPen(QPen(colour, 1.6))
            painter.setBrush(colour if told.met else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(light)
            painter.setPen(QColor(self._theme.text if told.met else self._theme.warn))
            room = QRectF(x + _LIGHT + _GAP, 0, self._width(words), self.height())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)
            x += self._width(words)

    def _width(self, words: str) -> int:
        """Pixels from one light to the next."""
        if not words:
            return _LIGHT + _GAP
        return _LIGHT + _GAP + self.fontMetrics().horizontalAdvance(words) + _APART
