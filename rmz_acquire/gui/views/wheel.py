"""The wheel turns pages, not values: one filter for all fields of the application.

A hand that scrolls over a form must not change an exposure on its way. A field takes
the wheel once it has the focus, by click or tab; until then the wheel goes to what can
be scrolled around it. Fields of pymmcore-widgets and in tables are no exception.
"""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QScrollArea,
    QScrollBar,
    QWidget,
)

__all__ = ["WheelGuard", "guard_wheel"]

_NAME = "wheel guard"


class WheelGuard(QObject):
    """Hands the wheel on where a field has no focus."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Look at every event of the application; only two kinds matter."""
        if event is None or event.type() not in (_POLISH, _WHEEL):
            return False
        if not isinstance(watched, QWidget) or not _is_field(watched):
            return False
        if event.type() == _POLISH:
            # else Qt gives a field the focus with the first turn
            if watched.focusPolicy() is Qt.FocusPolicy.WheelFocus:
                watched.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            return False
        if _has_focus(watched):
            return False
        event.ignore()
        return True


_POLISH, _WHEEL = QEvent.Type.Polish, QEvent.Type.Wheel


def _is_field(widget: QWidget) -> bool:
    if isinstance(widget, QAbstractSpinBox | QComboBox):
        return True
    # a slider beside a picture is there for the wheel, one in a form is not
    if not isinstance(widget, QAbstractSlider) or isinstance(widget, QScrollBar):
        return False
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QScrollArea):
        parent = parent.parentWidget()
    return parent is not None


def _has_focus(field: QWidget) -> bool:
    focus = QApplication.focusWidget()
    return focus is not None and (focus is field or field.isAncestorOf(focus))


def guard_wheel(app: QApplication) -> None:
    """Keep the wheel from fields without focus, from now on; once is enough."""
    if app.findChild(WheelGuard, _NAME) is None:
        guard = WheelGuard(app)
        guard.setObjectName(_NAME)
        app.installEventFilter(guard)
        # events still come while the interpreter goes: no Python may see those
        app.aboutToQuit.connect(lambda: app.removeEventFilter(guard))
