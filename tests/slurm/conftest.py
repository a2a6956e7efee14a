"""One cluster for all tests of this folder."""

from collections.abc import Iterator

import pytest
from slurm_cluster import Cluster, missing_programs


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    missing = missing_programs()
    if missing:
        pytest.fail(f"{', '.join(missing)} not found: run scripts/install_services.sh")
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
