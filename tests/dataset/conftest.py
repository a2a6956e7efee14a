import warnings
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import pyzipper

PASSWORD = "pass word-ß"
Write = Callable[..., Path]


@pytest.fixture
def write_plain(tmp_path: Path) -> Write:
    """Write an archive without encryption: any names, any attributes, duplicates too."""

    def write(
        members: Iterable[tuple[str | zipfile.ZipInfo, bytes]], name: str = "FVC1.zip"
    ) -> Path:
        path = tmp_path / name
        with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            warnings.simplefilter("ignore", UserWarning)
            for info, data in members:
                archive.writestr(info, data)
        return path

    return write


@pytest.fixture
def write_aes(tmp_path: Path) -> Write:
    """Write an archive with AES encryption through an independent program."""

    def write(
        members: Iterable[tuple[str, bytes]],
        name: str = "FVC1.zip",
        *,
        bits: int = 256,
        version: int | None = None,
        deflate: bool = True,
        password: str = PASSWORD,
    ) -> Path:
        path = tmp_path / name
        method = pyzipper.ZIP_DEFLATED if deflate else pyzipper.ZIP_STORED
        with pyzipper.AESZipFile(path, "w", compression=method) as archive:
            archive.setpassword(password.encode())
            archive.setencryption(pyzipper.WZ_AES, nbits=bits, force_wz_aes_version=version)
            for member, data in members:
                archive.writestr(member, data)
        return path

    return write
