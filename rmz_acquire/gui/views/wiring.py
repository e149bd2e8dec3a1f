"""Which button, menu, key and field leads where."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmz_acquire.gui.views.commands import Commands
    from rmz_acquire.gui.views.presenter import Presenter
    from rmz_acquire.gui.views.steering import Steering

__all__ = ["connect_views"]


def connect_views(presenter: Presenter, steering: Steering, commands: Commands) -> None:
    """Connect what a window asks for with who does it."""
    window, status = presenter.window, presenter.window.status
    scans = presenter.scans
    for signal in (
        window.welcome.simulated_asked,
        window.connect_simulated.triggered,
    ):
        signal.connect(lambda *_: presenter.connect_microscope("simulated"))
    for signal in (window.welcome.demo_asked, window.connect_demo.triggered):
        signal.connect(lambda *_: presenter.connect_microscope("MMConfig_demo.cfg"))
    window.welcome.specimen.changed.connect(presenter.microscope.choose_specimen)
    window.microscope.specimen_asked.connect(presenter.microscope.choose_specimen)
    window.welcome.config_asked.connect(commands.choose_config)
    window.connect_config.triggered.connect(commands.choose_config)
    window.microscope.focus_shown.connect(
        lambda text: window.focus.setText(f"Focus  {text}")
    )
    window.live.triggered.connect(steering.toggle_live)
    window.snap.triggered.connect(lambda: presenter.microscope.snap())
    window.set_bottom.triggered.connect(lambda: steering.set_end("bottom"))
    window.set_top.triggered.connect(lambda: steering.set_end("top"))
    window.form.bottom_asked.connect(lambda: steering.set_end("bottom"))
    window.form.top_asked.connect(lambda: steering.set_end("top"))
    window.form.changed.connect(presenter.refresh)
    window.series.changed.connect(presenter.refresh)
    window.series.go_asked.connect(
        lambda place: presenter.microscope.go_to(place.x, place.y, place.z)
    )
    window.form.start_asked.connect(steering.start)
    window.start.triggered.connect(steering.start)
    window.focus_up.triggered.connect(lambda: steering.move_focus(1))
    window.focus_down.triggered.connect(lambda: steering.move_focus(-1))
    window.slice_up.triggered.connect(lambda: window.volume.step_z(1))
    window.slice_down.triggered.connect(lambda: window.volume.step_z(-1))
    for signal in (status.pause_asked, window.pause.triggered):
        signal.connect(lambda *_: steering.pause())
    for signal in (status.keep_asked, window.keep.triggered):
        signal.connect(lambda *_: scans.stop_and_keep())
    for signal in (status.abort_asked, window.abort.triggered):
        signal.connect(lambda *_: scans.abort())
    for signal in (status.open_asked, window.open_folder.triggered):
        signal.connect(lambda *_: commands.open_folder())
    for signal in (status.compare_asked, window.full_stack.triggered):
        signal.connect(lambda *_: steering.take_full_stack())
    for signal in (status.go_on_asked, window.go_on.triggered):
        signal.connect(lambda *_: steering.go_on())
    for signal in (status.render_asked, window.render_now.triggered):
        signal.connect(lambda *_: steering.render())
    for signal in (status.export_asked, window.export.triggered):
        signal.connect(lambda *_: presenter.shown.export())
    for signal in (status.napari_asked, window.napari.triggered):
        signal.connect(lambda *_: commands.open_in_napari())
    status.details_asked.connect(
        lambda: commands.show_details(presenter.traceback, presenter.log_file)
    )
    window.along_z.plane_asked.connect(steering.ask_plane)
    window.plane_here.triggered.connect(lambda: steering.ask_plane())
    window.runs.open_asked.connect(presenter.open_run)
    window.load_settings.triggered.connect(commands.load_settings)
    window.load_optics.triggered.connect(commands.load_optics)
    window.save_settings.triggered.connect(commands.save_settings)
    window.open_run.triggered.connect(commands.choose_run)
    window.show_3d.triggered.connect(commands.show_3d)
    window.which.activated.connect(lambda _: presenter.shown.choose_volume())
    window.compare.activated.connect(lambda _: presenter.shown.choose())
    window.about.triggered.connect(commands.show_about)
    window.manual.triggered.connect(commands.show_manual)
    window.about_keys.triggered.connect(commands.show_keys)
    window.close_asked.connect(presenter.close)
