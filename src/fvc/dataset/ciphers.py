"""The two encryptions that ZIP archives really have, at native speed.

Python's own ZipCrypto is a loop over bytes (about 1 MB/s), and pycryptodome's little-endian CTR
mode takes one block at a time; here the first is compiled code, and the second encrypts whole
arrays of counters in ECB mode, which the processor's AES unit pipelines, and XORs them in NumPy.
"""

import hashlib
import hmac
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

AES_KEY_BYTES = {1: 16, 2: 24, 3: 32}
"""AE-1/AE-2 strength → key length."""

AES_MAC_BYTES = 10
ZIPCRYPTO_HEADER_BYTES = 12
_PBKDF2_ROUNDS = 1000
_VERIFIER_BYTES = 2
_BLOCK = 16


class WrongPasswordError(Exception):
    """The member's check value does not fit the password."""


class Decrypter(Protocol):
    """Turns a member's encrypted bytes into compressed ones, in order."""

    def decrypt(self, data: bytes) -> bytes | memoryview:
        """Decrypt the next bytes."""

    def authentic(self, trailer: bytes) -> bool:
        """Whether the bytes after the data vouch for it."""


class PlainDecrypter:
    """A member that is not encrypted."""

    def decrypt(self, data: bytes) -> bytes:
        """Return the bytes as they are."""
        return data

    def authentic(self, trailer: bytes) -> bool:
        """Return True: there is nothing to check."""
        return True


class ZipCryptoDecrypter:
    """Traditional PKWARE encryption (APPNOTE 6.3.10, section 6.1).

    Parameters
    ----------
    password
        As bytes.
    header
        The 12 bytes before the data.
    checks
        Values that the header's last byte may have; different writers use different ones.

    Raises
    ------
    WrongPasswordError
        The last byte is none of them. One wrong password in 128 or so passes: the CRC decides.
    """

    def __init__(self, password: bytes, header: bytes, checks: tuple[int, ...]) -> None:
        # Importing `fastzipfile` would patch the standard library; its compiled part does not.
        from _zipdecrypter import StandardZipDecrypter  # type: ignore[import-not-found]

        self._inner = StandardZipDecrypter(password)
        if len(header) != ZIPCRYPTO_HEADER_BYTES or self.decrypt(header)[-1] not in checks:
            raise WrongPasswordError

    def decrypt(self, data: bytes) -> bytes:
        """Decrypt the next bytes."""
        plain: bytes = self._inner.decrypt_bytes(data)
        return plain

    def authentic(self, trailer: bytes) -> bool:
        """Return True: this encryption has no authentication, the CRC has to do."""
        return True


class AesDecrypter:
    """WinZip AES (AE-1 and AE-2): PBKDF2, AES-CTR counting little-endian from 1, HMAC-SHA1.

    Parameters
    ----------
    password
        As bytes.
    strength
        1, 2, 3: 128, 192, 256 bits.
    header
        Salt and the two-byte verifier, `aes_header_bytes` long.

    Raises
    ------
    WrongPasswordError
        The verifier does not fit; one wrong password in 65,536 does.

    References
    ----------
    .. [1] WinZip, "AES Encryption Information: Encryption Specification AE-1 and AE-2", 2009.
    """

    def __init__(self, password: bytes, strength: int, header: bytes) -> None:
        from Cryptodome.Cipher import AES

        size = AES_KEY_BYTES[strength]
        salt, verifier = header[:-_VERIFIER_BYTES], header[-_VERIFIER_BYTES:]
        length = 2 * size + _VERIFIER_BYTES
        keys = hashlib.pbkdf2_hmac("sha1", password, salt, _PBKDF2_ROUNDS, length)
        if len(header) != aes_header_bytes(strength) or keys[2 * size :] != verifier:
            raise WrongPasswordError
        self._cipher = AES.new(keys[:size], AES.MODE_ECB)
        self._mac = hmac.new(keys[size : 2 * size], digestmod=hashlib.sha1)
        self._next_block = 1
        self._left_over = np.empty(0, np.uint8)
        self._counters: NDArray[np.uint64] = np.zeros((0, 2), np.uint64)
        self._stream = np.empty(0, np.uint8)

    def decrypt(self, data: bytes) -> memoryview:
        """Decrypt the next bytes; what is returned is overwritten by the next call."""
        self._mac.update(data)
        ahead = len(self._left_over)
        blocks = max(0, -(-(len(data) - ahead) // _BLOCK))
        stream = self._keystream(blocks)
        if ahead:
            stream = np.concatenate((self._left_over, stream))
        used = stream[: len(data)]
        self._left_over = stream[len(data) :].copy()
        np.bitwise_xor(used, np.frombuffer(data, np.uint8), out=used)
        return used.data

    def authentic(self, trailer: bytes) -> bool:
        """Whether the ten bytes after the data are the data's code."""
        return hmac.compare_digest(self._mac.digest()[:AES_MAC_BYTES], trailer)

    def _keystream(self, blocks: int) -> NDArray[np.uint8]:
        if blocks > len(self._counters):
            self._counters = np.zeros((blocks, 2), dtype="<u8")
            self._counters[:, 0] = np.arange(self._next_block, self._next_block + blocks)
            self._stream = np.empty(blocks * _BLOCK, np.uint8)
        elif blocks:
            self._counters[:, 0] += np.uint64(self._next_block) - self._counters[0, 0]
        self._next_block += blocks
        stream = self._stream[: blocks * _BLOCK]
        if blocks:
            self._cipher.encrypt(self._counters[:blocks].data.cast("B"), output=stream.data)
        return stream


def aes_header_bytes(strength: int) -> int:
    """Length of salt and verifier before an AES member's data."""
    return AES_KEY_BYTES[strength] // 2 + _VERIFIER_BYTES
