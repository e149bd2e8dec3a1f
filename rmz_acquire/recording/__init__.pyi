from .compared import (
    Compared,
    Comparison,
    best_of,
    candidates_of,
    made_of,
    scale_in_words,
    with_shares,
    z_scale_of,
)
from .folder import RUN_FILES, check_folder, is_run
from .lazy import Coordinate, LazyArray
from .remade import Remade
from .report import draw_report, write_report
from .summary import Summary, TruthKind, read_summary, versions, write_summary

__all__ = [
    "RUN_FILES",
    "Compared",
    "Comparison",
    "Coordinate",
    "LazyArray",
    "Remade",
    "Summary",
    "TruthKind",
    "best_of",
    "candidates_of",
    "check_folder",
    "draw_report",
    "is_run",
    "made_of",
    "read_summary",
    "scale_in_words",
    "versions",
    "with_shares",
    "write_report",
    "write_summary",
    "z_scale_of",
]
