"""The audit: every attack that applies to a scheme, with its controls, and a report that a reviewer can check."""

from pixelveil.audit.cell import Cell
from pixelveil.audit.compare import render_comparison
from pixelveil.audit.job import AuditSettings, run_audit
from pixelveil.audit.requirement import Requirement, answer, parse_requirement
from pixelveil.audit.result import Audit, read_audit

__all__ = [
    "Audit",
    "AuditSettings",
    "Cell",
    "Requirement",
    "answer",
    "parse_requirement",
    "read_audit",
    "render_comparison",
    "run_audit",
]
