"""What the volume is made of, and what predicted the planes best, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QLabel, QSizePolicy

from rmz_acquire.recording import (
    best_of,
    candidates_of,
    made_of,
    scale_in_words,
    with_shares,
    z_scale_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PyQt6.QtGui import QPaintEvent

    from rmz_acquire.scanning import Decision

__all__ = ["MadeOfLine"]


class MadeOfLine(QLabel):
    """Says how the candidates for the volume did so far; hidden where there are none.

    Takes the width that is there: what does not fit is left out and in the tooltip.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("muted")
        self.setContentsMargins(10, 2, 10, 2)
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Ignored, policy.Fixed)
        self._decisions: list[Decision] = []
        self._shares: Mapping[str, float] | None = None
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self._decisions.clear()
        self._shares = None
        self._say([])

    def add(self, decision: Decision) -> None:
        """Take in what the latest plane told."""
        self._decisions.append(decision)
        self._show()

    def take_shares(self, shares: Mapping[str, float] | None) -> None:
        """Take in what the volume is made of that was rendered after its scan."""
        if shares is not None:
            self._shares = shares
            self._show()

    def _show(self) -> None:
        candidates = with_shares(candidates_of(self._decisions), self._shares)
        if candidates is None:
            return
        parts = [f"best at predicting planes: {best_of(candidates)}"]
        if made_of(candidates):
            parts.insert(0, f"Volume: {made_of(candidates)}")
        scale = scale_in_words(z_scale_of(self._decisions))
        if scale:
            parts.append(f"z scale {scale}")
        self._say(parts)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw as much of the line as fits."""
        inside = self.contentsRect()
        right = Qt.TextElideMode.ElideRight
        shown = self.fontMetrics().elidedText(self.text(), right, inside.width())
        painter = QPainter(self)
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter, shown)

    def _say(self, parts: list[str]) -> None:
        self.setText(" · ".join(parts))
        self.setToolTip("\n".join(parts))
        self.setVisible(bool(parts))
