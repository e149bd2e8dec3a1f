"""Decides: plan, policies, stop rules, the scan as a state machine.

Sees a microscope, an estimator and a recorder only through Protocols, so the whole
loop runs on a list of arrays: no torch, no Qt, no hardware.
"""

from __future__ import annotations

from rmz_acquire.scanning.conditions import conditions_of
from rmz_acquire.scanning.fewest import fewest_planes
from rmz_acquire.scanning.foreign import own_estimator, own_policy, own_rule
from rmz_acquire.scanning.frame_quality import (
    FrameFacts,
    Observation,
    blank_reason,
    fault_of,
    look_at,
)
from rmz_acquire.scanning.frame_similarity import (
    FrameDifference,
    compare,
    contrast_of,
    depth_of,
)
from rmz_acquire.scanning.loop import take_planes
from rmz_acquire.scanning.null_estimator import NoEstimator
from rmz_acquire.scanning.outcome import Outcome, ScanState, Status
from rmz_acquire.scanning.plan import POLICY_NAMES, RULE_NAMES, ScanPlan
from rmz_acquire.scanning.policies import (
    POLICIES,
    Bisect,
    ExactList,
    Uniform,
    make_policy,
)
from rmz_acquire.scanning.protocols import (
    Estimator,
    KnowsAhead,
    Microscope,
    Policy,
    Recorder,
    StopRule,
)
from rmz_acquire.scanning.records import (
    ChosenBy,
    Decision,
    Estimate,
    Plane,
    winner_of,
)
from rmz_acquire.scanning.regions import Region, RegionVolume
from rmz_acquire.scanning.rules import RULES, make_rule
from rmz_acquire.scanning.scan import Scan
from rmz_acquire.scanning.stale import RecentFrames, StaleFramesError
from rmz_acquire.scanning.stop_calibration import (
    StopCalibration,
    read_calibration,
)
from rmz_acquire.scanning.stopping import ChangeRule, PaperRule
from rmz_acquire.scanning.target_rule import (
    SCORES,
    TargetRule,
    misprediction_of,
    predicted_nrmse_of,
)
from rmz_acquire.scanning.verdicts import Term, Verdict
from rmz_acquire.scanning.warm_start import Carrying, OldPlane

__all__ = [
    "POLICIES",
    "POLICY_NAMES",
    "RULES",
    "RULE_NAMES",
    "SCORES",
    "Bisect",
    "Carrying",
    "ChangeRule",
    "ChosenBy",
    "Decision",
    "Estimate",
    "Estimator",
    "ExactList",
    "FrameDifference",
    "FrameFacts",
    "KnowsAhead",
    "Microscope",
    "NoEstimator",
    "Observation",
    "OldPlane",
    "Outcome",
    "PaperRule",
    "Plane",
    "Policy",
    "RecentFrames",
    "Recorder",
    "Region",
    "RegionVolume",
    "Scan",
    "ScanPlan",
    "ScanState",
    "StaleFramesError",
    "Status",
    "StopCalibration",
    "StopRule",
    "TargetRule",
    "Term",
    "Uniform",
    "Verdict",
    "blank_reason",
    "compare",
    "conditions_of",
    "contrast_of",
    "depth_of",
    "fault_of",
    "fewest_planes",
    "look_at",
    "make_policy",
    "make_rule",
    "misprediction_of",
    "own_estimator",
    "own_policy",
    "own_rule",
    "predicted_nrmse_of",
    "read_calibration",
    "take_planes",
    "winner_of",
]
