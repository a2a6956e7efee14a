"""MLflow tracking: the documented door."""

from typing import Any, NoReturn

from fvc.errors import NotAvailableError


def create_mlflow_tracker(*args: Any, **kwargs: Any) -> NoReturn:
    """Say that runs cannot be tracked with MLflow yet; every result is in ``metrics.json``.

    Raises
    ------
    NotAvailableError
        Always.
    """
    raise NotAvailableError(
        "MLflow tracking: not available in this version. Results are in "
        "data/stage5/<model>/metrics.json; DuckDBAnalytics queries them with SQL"
    )
