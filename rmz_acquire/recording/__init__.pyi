from .compared import (
    Compared,
    Comparison,
    best_of,
    candidates_of,
    made_of,
    scale_in_words,
    z_scale_of,
)
from .folder import RUN_FILES, RunFolder, check_folder, unused_planes
from .lazy import Coordinate, LazyArray
from .planes import PlaneWriter, read_description, read_planes
from .remade import Remade
from .report import draw_report, write_report
from .summary import Summary, read_summary, summarise, versions
from .volume import write_volume

__all__ = [
    "RUN_FILES",
    "Compared",
    "Comparison",
    "Coordinate",
    "LazyArray",
    "PlaneWriter",
    "Remade",
    "RunFolder",
    "Summary",
    "best_of",
    "candidates_of",
    "check_folder",
    "draw_report",
    "made_of",
    "read_description",
    "read_planes",
    "read_summary",
    "scale_in_words",
    "summarise",
    "unused_planes",
    "versions",
    "write_report",
    "write_volume",
    "z_scale_of",
]
