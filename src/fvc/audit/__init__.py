"""What a claimed score is worth: three ways to split, true labels and labels dealt anew."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.audit.given import audit_scores
    from fvc.audit.refit import Table
    from fvc.audit.report import AuditReport
    from fvc.audit.schemes import permute_by_group
    from fvc.audit.stage import audit_model
    from fvc.audit.table import audit_table

__all__ = [
    "AuditReport",
    "Table",
    "audit_model",
    "audit_scores",
    "audit_table",
    "permute_by_group",
]

_HOME = {
    "AuditReport": "report",
    "Table": "refit",
    "audit_model": "stage",
    "audit_scores": "given",
    "audit_table": "table",
    "permute_by_group": "schemes",
}


def __getattr__(name: str) -> Any:
    # scikit-learn, Polars and matplotlib are loaded when something is audited.
    if name in _HOME:
        return getattr(import_module(f"fvc.audit.{_HOME[name]}"), name)
    raise AttributeError(f"module 'fvc.audit' has no attribute {name!r}")
