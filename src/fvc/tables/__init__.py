"""Tables: their schemas, reading and writing in three formats, and files whole or absent."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fvc.tables.atomic import (
    TEMPORARY_MARK,
    atomic_write,
    output_error,
    remove_temporary_files,
    write_json_atomic,
)

if TYPE_CHECKING:
    from fvc.tables.files import (
        find_metadata,
        find_table,
        load_metadata_flexible,
        read_table,
        require_table,
        write_table,
    )
    from fvc.tables.schemas import (
        ClipSchema,
        FailureSchema,
        FeatureSchema,
        FoldSchema,
        IndexSchema,
        PredictionSchema,
        ScaledSchema,
        check,
    )

__all__ = [
    "TEMPORARY_MARK",
    "ClipSchema",
    "FailureSchema",
    "FeatureSchema",
    "FoldSchema",
    "IndexSchema",
    "PredictionSchema",
    "ScaledSchema",
    "atomic_write",
    "check",
    "find_metadata",
    "find_table",
    "load_metadata_flexible",
    "output_error",
    "read_table",
    "remove_temporary_files",
    "require_table",
    "write_json_atomic",
    "write_table",
]


def __getattr__(name: str) -> Any:
    # Workers only write files; Polars and its threads come with the tables themselves.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = "schemas" if name.endswith("Schema") or name == "check" else "files"
    return getattr(import_module(f"fvc.tables.{room}"), name)
