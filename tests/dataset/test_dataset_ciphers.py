import hashlib
import random

import pytest
from Cryptodome.Cipher import AES
from Cryptodome.Util import Counter
from hypothesis import given, settings
from hypothesis import strategies as st

from fvc.dataset.ciphers import AesDecrypter, WrongPasswordError, ZipCryptoDecrypter
from fvc.dataset.zipcrypto import encrypt

SALT = bytes(range(16))
KEYS = hashlib.pbkdf2_hmac("sha1", b"pw", SALT, 1000, 66)
PLAIN = random.Random(0).randbytes(3_000)
# The specification's cipher in the library's own counter mode, one block at a time.
SEALED = AES.new(KEYS[:32], AES.MODE_CTR, counter=Counter.new(128, little_endian=True)).encrypt(
    PLAIN
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 400), max_size=12))
def test_aes_may_be_fed_in_pieces_of_any_size(sizes: list[int]) -> None:
    decrypter = AesDecrypter(b"pw", 3, SALT + KEYS[64:])
    found, place = b"", 0
    for size in [*sizes, len(SEALED)]:
        found += bytes(decrypter.decrypt(SEALED[place : place + size]))
        place += len(SEALED[place : place + size])
    assert found == PLAIN


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=300), st.binary(min_size=1, max_size=20), st.integers(0, 255))
def test_zipcrypto_comes_back_through_the_compiled_reader(
    data: bytes, password: bytes, check: int
) -> None:
    sealed = encrypt(data, password, check=check, salt=bytes(11))
    decrypter = ZipCryptoDecrypter(password, sealed[:12], (check,))
    assert decrypter.decrypt(sealed[12:]) == data


def test_another_password_is_noticed_by_the_header() -> None:
    with pytest.raises(WrongPasswordError):
        AesDecrypter(b"other", 3, SALT + KEYS[64:])
    sealed = encrypt(b"x", b"right", check=7, salt=bytes(11))
    refused = 0
    for number in range(50):
        try:
            ZipCryptoDecrypter(f"wrong{number}".encode(), sealed[:12], (7,))
        except WrongPasswordError:
            refused += 1
    assert refused > 40
