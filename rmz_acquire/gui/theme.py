"""Colours of the window, dark and light; the same few everywhere.

Curves are in colours of Okabe and Ito that all kinds of colour vision tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyqtgraph as pg
from pyconify import svg_path
from PyQt6.QtGui import QColor, QPalette

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QApplication

__all__ = ["DARK", "LIGHT", "Theme", "apply"]


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours, as #rrggbb."""

    name: str
    window: str
    panel: str
    field: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    good: str
    warn: str
    bad: str
    plot: str
    change: str
    innovation: str
    measured: str
    next_plane: str


DARK = Theme(
    name="dark",
    window="#17191d",
    panel="#1f2227",
    field="#2a2e35",
    border="#3a3f48",
    text="#e8eaed",
    muted="#a3abb8",
    accent="#3d8fd6",
    on_accent="#ffffff",
    good="#2bb58a",
    warn="#e69f00",
    bad="#f0704a",
    plot="#14161a",
    change="#56b4e9",
    innovation="#e69f00",
    measured="#e69f00",
    next_plane="#2bb58a",
)
LIGHT = Theme(
    name="light",
    window="#f1f3f5",
    panel="#ffffff",
    field="#ffffff",
    border="#c4cad3",
    text="#1d2127",
    muted="#5b6470",
    accent="#1467ad",
    on_accent="#ffffff",
    good="#00795a",
    warn="#9a6700",
    bad="#c03f0c",
    plot="#ffffff",
    change="#0072b2",
    innovation="#c77700",
    measured="#c77700",
    next_plane="#00795a",
)


def apply(app: QApplication, theme: Theme) -> None:
    """Dress the application."""
    sheet = _sheet(theme)
    # each of the three dresses every widget anew
    if app.styleSheet() != sheet:
        app.setStyle("Fusion")
        app.setPalette(_palette(theme))
        app.setStyleSheet(sheet)
    pg.setConfigOptions(
        background=theme.plot,
        foreground=theme.muted,
        antialias=True,
    )


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, theme.panel),
        (role.WindowText, theme.text),
        (role.Base, theme.field),
        (role.AlternateBase, theme.panel),
        (role.Text, theme.text),
        (role.Button, theme.field),
        (role.ButtonText, theme.text),
        (role.ToolTipBase, theme.panel),
        (role.ToolTipText, theme.text),
        (role.PlaceholderText, theme.muted),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent),
        (role.Link, theme.accent),
    ):
        palette.setColor(which, QColor(colour))
    dim = QColor(theme.muted)
    dim.setAlpha(130)
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, dim)
    return palette


def _sheet(t: Theme) -> str:
    arrow = svg_path("mdi:chevron-down", color=t.muted).as_posix()
    return f"""
QMainWindow, QMainWindow::separator {{ background: {t.window}; }}
QMainWindow::separator {{ width: 5px; height: 5px; }}
QToolTip {{ color: {t.text}; background: {t.panel}; border: 1px solid {t.border};
  padding: 4px; }}
QToolBar {{ background: transparent; border: 0; padding: 2px 8px; spacing: 4px; }}
QToolBar#Tools {{ background: {t.panel};
  border-bottom: 1px solid {t.border}; }}
QToolBar QToolButton {{ padding: 5px 9px; border: 1px solid transparent;
  border-radius: 4px; }}
QToolBar QToolButton:hover:enabled {{ background: {t.field};
  border-color: {t.border}; }}
QToolBar QToolButton:checked {{ background: {t.accent}; color: {t.on_accent}; }}
QToolBar QToolButton:disabled {{ color: {t.muted}; }}
QDockWidget {{ color: {t.text}; font-weight: 600; }}
QDockWidget::title {{ background: {t.panel}; padding: 6px 8px;
  border-bottom: 1px solid {t.border}; }}
QDockWidget > QWidget {{ background: {t.panel}; }}
QFrame#card {{ background: {t.panel}; border: 1px solid {t.border};
  border-radius: 5px; }}
QLabel#heading {{ color: {t.text}; font-weight: 600; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QLabel#section {{ color: {t.muted}; font-weight: 600; }}
QLabel#muted {{ color: {t.muted}; }}
QLabel#good {{ color: {t.good}; }}
QLabel#warn {{ color: {t.warn}; }}
QLabel#bad {{ color: {t.bad}; }}
QLabel#plate, QLabel#plate-alarm {{ color: #ffffff; background: rgba(0, 0, 0, 150);
  border-radius: 3px; padding: 2px 5px; }}
QLabel#plate-alarm {{ color: #ff9a8a; font-weight: 600; }}
QLabel#headline {{ color: {t.text}; font-size: 12pt; font-weight: 600; }}
QLabel#title {{ color: {t.text}; font-size: 20pt; font-weight: 600; }}
QPushButton {{ padding: 5px 10px; border: 1px solid {t.border}; border-radius: 4px;
  background: {t.field}; }}
QPushButton:hover:enabled {{ border-color: {t.accent}; }}
QPushButton:focus {{ border-color: {t.accent}; }}
QPushButton:disabled {{ color: {t.muted}; background: {t.panel}; }}
QPushButton:checked {{ color: {t.accent}; border-color: {t.accent}; }}
QPushButton#primary {{ background: {t.accent}; color: {t.on_accent};
  border-color: {t.accent}; font-weight: 600; padding: 8px 14px; }}
QPushButton#primary:disabled {{ background: {t.field}; color: {t.muted};
  border-color: {t.border}; }}
QPushButton#danger {{ color: {t.bad}; }}
QPushButton#danger:disabled {{ color: {t.muted}; }}
QToolButton#chip {{ padding: 3px 9px; border: 1px solid {t.border};
  border-radius: 9px; background: {t.field}; }}
QToolButton#chip:hover:enabled {{ border-color: {t.accent}; }}
QToolButton#chip:checked {{ background: {t.accent}; color: {t.on_accent};
  border-color: {t.accent}; }}
QToolButton#chip:disabled {{ color: {t.muted}; background: {t.panel}; }}
QToolButton#fold {{ border: 0; padding: 5px 4px 5px 0; color: {t.text};
  font-weight: 600; background: transparent; }}
QToolButton#fold:hover {{ color: {t.accent}; }}
QToolButton#fold:disabled {{ color: {t.muted}; }}
QRadioButton::indicator {{ width: 11px; height: 11px; border-radius: 6px;
  border: 1px solid {t.muted}; background: {t.field}; }}
QRadioButton::indicator:checked {{ border: 4px solid {t.accent}; width: 5px;
  height: 5px; border-radius: 6px; background: {t.on_accent}; }}
QRadioButton::indicator:disabled {{ border-color: {t.border}; }}
QLineEdit, QComboBox, QAbstractSpinBox {{ min-height: 20px; padding: 1px 6px;
  border: 1px solid {t.border}; border-radius: 4px; background: {t.field};
  selection-background-color: {t.accent}; }}
QLineEdit:focus, QComboBox:focus, QAbstractSpinBox:focus {{
  border-color: {t.accent}; }}
QLineEdit:disabled, QComboBox:disabled, QAbstractSpinBox:disabled {{
  color: {t.muted}; background: {t.panel}; }}
QComboBox::drop-down {{ border: 0; width: 20px; }}
QComboBox::down-arrow {{ image: url({arrow}); width: 16px; height: 16px; }}
QComboBox QAbstractItemView {{ background: {t.field}; }}
*[wrong="true"] {{ border: 2px solid {t.bad}; }}
QProgressBar {{ border: 0; border-radius: 3px; background: {t.field};
  max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {t.border}; border-radius: 4px;
  min-height: 30px; }}
QScrollBar::add-line:vertical, QScrollBar::sub-line:vertical {{ height: 0; }}
QScrollBar::add-page:vertical, QScrollBar::sub-page:vertical {{
  background: transparent; }}
QScrollBar:horizontal {{ background: transparent; height: 8px; margin: 0; }}
QScrollBar::handle:horizontal {{ background: {t.border}; border-radius: 4px;
  min-width: 30px; }}
QScrollBar::add-line:horizontal, QScrollBar::sub-line:horizontal {{ width: 0; }}
QScrollBar::add-page:horizontal, QScrollBar::sub-page:horizontal {{
  background: transparent; }}
QHeaderView::section {{ background: {t.panel}; color: {t.muted}; padding: 4px 6px;
  border: 0; border-bottom: 1px solid {t.border}; }}
QTableWidget {{ border: 1px solid {t.border}; border-radius: 4px;
  gridline-color: {t.border}; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: 0; }}
QScrollArea {{ border: 0; background: transparent; }}
QScrollArea > QWidget > QWidget {{ background: transparent; }}
QListWidget {{ border: 0; background: {t.panel}; }}
QListWidget::item {{ padding: 7px 6px; border-bottom: 1px solid {t.border}; }}
QListWidget#inset {{ border: 1px solid {t.border}; border-radius: 4px;
  background: {t.field}; }}
QListWidget#inset::item {{ padding: 2px 4px; border: 0; }}
QSplitter::handle {{ background: {t.window}; }}
QTabBar {{ qproperty-drawBase: 0; }}
QTabBar::tab {{ padding: 6px 12px; background: {t.window}; color: {t.muted};
  border: 1px solid {t.border}; }}
QTabBar::tab:selected {{ background: {t.panel}; color: {t.text};
  border-bottom-color: {t.accent}; }}
QStatusBar {{ background: {t.panel}; color: {t.muted};
  border-top: 1px solid {t.border}; }}
QMenuBar {{ background: {t.panel}; }}
QMenuBar::item:selected, QMenu::item:selected {{ background: {t.accent};
  color: {t.on_accent}; }}
QMenu {{ background: {t.panel}; border: 1px solid {t.border}; }}
"""
