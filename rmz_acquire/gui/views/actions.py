"""What can be asked of the window: actions with their keys, and their menus."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMainWindow
from superqt import QIconifyIcon

__all__ = ["ActionWindow"]


class ActionWindow(QMainWindow):
    """A window with its actions and menus; what they do is connected elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._make_actions()
        self._make_menus()

    def colour_icons(self, colour: str) -> None:
        """Draw the icons of all actions in a colour."""
        for action in self.actions():
            name = action.data()
            if name:
                action.setIcon(QIconifyIcon(name, color=colour))

    def _make_actions(self) -> None:
        make = self._action
        self.connect_simulated = make("Simulated microscope", "mdi:cube-scan", "Ctrl+M")
        self.connect_demo = make("Demo configuration", "mdi:test-tube", "Ctrl+Shift+M")
        self.connect_config = make(
            "Load configuration…", "mdi:microscope", "Ctrl+Shift+O"
        )
        self.live = make("Live", "mdi:video-outline", "Ctrl+L")
        self.live.setCheckable(True)
        self.live.setToolTip("Show what the camera sees, again and again  (Ctrl+L)")
        self.snap = make("Snap", "mdi:camera-outline", "Ctrl+Return")
        self.snap.setToolTip("Take one picture  (Ctrl+Return)")
        self.start = make("Start scan", "mdi:play", "F5")
        self.pause = make("Pause or resume", "mdi:pause", "Ctrl+P")
        self.keep = make("Stop and keep", "mdi:content-save-outline", "Ctrl+.")
        self.abort = make("Abort", "mdi:close-octagon", "Shift+Esc")
        self.go_on = make("Go on after the stop", "mdi:play", "Ctrl+G")
        self.full_stack = make("Take full stack", "mdi:compare", "Ctrl+F")
        self.render_now = make("Render now", "mdi:cube-scan", "Ctrl+R")
        self.train = make("Train a model", "mdi:tune-variant", "Ctrl+J")
        self.plane_here = make("Take a plane here", "mdi:plus-circle-outline", "Ctrl+K")
        self.set_bottom = make("Set bottom", "mdi:arrow-collapse-down", "[")
        self.set_top = make("Set top", "mdi:arrow-collapse-up", "]")
        self.focus_up = make("Focus up", "mdi:chevron-up", "PgUp")
        self.focus_down = make("Focus down", "mdi:chevron-down", "PgDown")
        self.slice_up = make("Slice up", "mdi:chevron-up", "Ctrl+Up")
        self.slice_down = make("Slice down", "mdi:chevron-down", "Ctrl+Down")
        self.load_settings = make("Load settings…", "mdi:file-cog-outline", "Ctrl+I")
        self.load_optics = make(
            "Load calibrated optics…", "mdi:camera-iris", "Ctrl+Shift+I"
        )
        self.save_settings = make(
            "Save settings…", "mdi:content-save-outline", "Ctrl+S"
        )
        self.open_run = make("Open run…", "mdi:history", "Ctrl+O")
        self.open_folder = make("Open folder", "mdi:folder-open-outline", "Ctrl+E")
        self.show_3d = make("3D", "mdi:cube-outline", "Ctrl+3")
        self.show_3d.setToolTip("The volume in 3D, in a window of its own  (Ctrl+3)")
        self.export = make(
            "Export shown volume…", "mdi:file-export-outline", "Ctrl+Shift+S"
        )
        self.napari = make("Open in napari", "mdi:layers-outline", "Ctrl+Shift+N")
        self.enlarge_camera = make("Camera alone", "mdi:arrow-expand", "Ctrl+1")
        self.enlarge_volume = make("Volume alone", "mdi:arrow-expand", "Ctrl+2")
        self.fit_pictures = make("Fit pictures", "mdi:fit-to-screen-outline", "Ctrl+0")
        self.auto_contrast = make(
            "Auto contrast", "mdi:contrast-circle", "Ctrl+Shift+A"
        )
        self.histograms = make("Histograms", "mdi:chart-histogram", "Ctrl+H")
        self.histograms.setCheckable(True)
        self.histograms.setChecked(True)
        self.predicted_error = make(
            "Show predicted error", "mdi:chart-histogram", "Ctrl+Y"
        )
        self.predicted_error.setCheckable(True)
        self.channel_colours = make("Channel colours…", "mdi:palette-outline", "")
        self.theme_action = make("Dark or light", "mdi:theme-light-dark", "Ctrl+T")
        self.close_action = make("Quit", "mdi:power", QKeySequence.StandardKey.Quit)
        self.close_action.triggered.connect(self.close)
        self.reset_layout = make("Standard layout", "mdi:view-comfy", "")
        self.about_keys = make("Keys", "mdi:help-circle-outline", "F1")
        self.manual = make("Manual", "mdi:book-open-variant-outline", "Shift+F1")
        self.about = make("About rmz-acquire", "mdi:information-outline", "")

    def _action(
        self, text: str, icon: str, key: str | QKeySequence.StandardKey
    ) -> QAction:
        action = QAction(text, self)
        action.setData(icon)
        if key:
            action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        self.addAction(action)
        return action

    def _make_menus(self) -> None:
        menu = self.menuBar()
        assert menu is not None
        groups = {
            "&Microscope": (
                self.connect_simulated,
                self.connect_demo,
                self.connect_config,
                None,
                self.live,
                self.snap,
                None,
                self.focus_up,
                self.focus_down,
                self.set_top,
                self.set_bottom,
                None,
                self.close_action,
            ),
            "&Scan": (
                self.start,
                self.pause,
                self.keep,
                self.abort,
                self.plane_here,
                self.go_on,
                self.full_stack,
                None,
                self.load_settings,
                self.load_optics,
                self.save_settings,
                None,
                self.train,
            ),
            "&Run": (
                self.open_run,
                self.open_folder,
                self.render_now,
                self.show_3d,
                self.napari,
                self.export,
            ),
            "&View": (
                self.slice_up,
                self.slice_down,
                None,
                self.enlarge_camera,
                self.enlarge_volume,
                self.fit_pictures,
                None,
                self.auto_contrast,
                self.histograms,
                self.predicted_error,
                self.channel_colours,
                None,
                self.theme_action,
                self.reset_layout,
            ),
            "&Help": (self.about_keys, self.manual, None, self.about),
        }
        self.menus = {}
        for title, actions in groups.items():
            entry = menu.addMenu(title)
            assert entry is not None
            self.menus[title] = entry
            for action in actions:
                if action is None:
                    entry.addSeparator()
                else:
                    entry.addAction(action)
