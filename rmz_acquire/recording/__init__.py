"""Puts planes, volumes and decisions on disk, and draws the report of a run."""

from __future__ import annotations

from rmz_acquire.recording.folder import RUN_FILES, RunFolder, check_folder
from rmz_acquire.recording.planes import PlaneWriter, read_planes
from rmz_acquire.recording.report import draw_report, write_report
from rmz_acquire.recording.summary import Summary, summarise, versions
from rmz_acquire.recording.volume import write_volume

__all__ = [
    "RUN_FILES",
    "PlaneWriter",
    "RunFolder",
    "Summary",
    "check_folder",
    "draw_report",
    "read_planes",
    "summarise",
    "versions",
    "write_report",
    "write_volume",
]
