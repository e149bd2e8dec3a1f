"""Experiments: a useq sequence whose z-stacks become adaptive scans."""

from __future__ import annotations
