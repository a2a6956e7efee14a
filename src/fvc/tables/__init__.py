"""Tables: their schemas, reading and writing in three formats, and files whole or absent."""

from fvc.tables.atomic import (
    TEMPORARY_MARK,
    atomic_write,
    output_error,
    remove_temporary_files,
    write_json_atomic,
)
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
