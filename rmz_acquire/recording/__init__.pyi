from .folder import RUN_FILES, RunFolder, check_folder, unused_planes
from .planes import PlaneWriter, read_description, read_planes
from .report import draw_report, write_report
from .summary import Summary, summarise, versions
from .volume import write_volume

__all__ = [
    "RUN_FILES",
    "PlaneWriter",
    "RunFolder",
    "Summary",
    "check_folder",
    "draw_report",
    "read_description",
    "read_planes",
    "summarise",
    "unused_planes",
    "versions",
    "write_report",
    "write_volume",
]
