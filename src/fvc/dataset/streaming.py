"""The bytes of one member: found, decrypted, decompressed and checked, a block at a time."""

import io
import struct
import zlib
from typing import BinaryIO

from fvc.dataset.ciphers import (
    AES_MAC_BYTES,
    ZIPCRYPTO_HEADER_BYTES,
    AesDecrypter,
    Decrypter,
    PlainDecrypter,
    ZipCryptoDecrypter,
    aes_header_bytes,
)
from fvc.dataset.members import DEFLATED, Member, MemberError

# Small enough for a block and its key stream to stay in the processor's cache.
_CHUNK = 1 << 18
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_LOCAL_MAGIC = b"PK\x03\x04"


def open_member(stream: BinaryIO, member: Member, secret: bytes) -> tuple[Decrypter, int]:
    """Place the stream at a member's data.

    Parameters
    ----------
    stream
        The archive.
    member
        One of its members.
    secret
        The password.

    Returns
    -------
    decrypter : Decrypter
        For the bytes that follow.
    trailer_bytes : int
        Length of the authentication code after them.

    Raises
    ------
    MemberError
        Header and directory contradict each other.
    WrongPasswordError
        The password does not fit.
    """
    stream.seek(member.header_offset)
    raw = stream.read(LOCAL_HEADER.size)
    if len(raw) < LOCAL_HEADER.size or raw[:4] != _LOCAL_MAGIC:
        raise MemberError("corrupt", "its header is not where the archive's directory says")
    _, _, flags, _, time, *_, name_length, extra_length = LOCAL_HEADER.unpack(raw)
    name = stream.read(name_length)
    if member.name not in (name.decode("utf-8", "replace"), name.decode("cp437")):
        raise MemberError("corrupt", "the archive's directory and the member name it differently")
    stream.seek(extra_length, io.SEEK_CUR)
    if not member.encrypted:
        return PlainDecrypter(), 0
    if member.aes_strength:
        header = stream.read(aes_header_bytes(member.aes_strength))
        return AesDecrypter(secret, member.aes_strength, header), AES_MAC_BYTES
    header = stream.read(ZIPCRYPTO_HEADER_BYTES)
    # Streaming writers do not know the CRC yet and use the time; some say so and use the CRC.
    checks = (member.crc >> 24, time >> 8) if flags & 8 else (member.crc >> 24,)
    return ZipCryptoDecrypter(secret, header, checks), 0


def copy_member(
    stream: BinaryIO,
    sink: io.RawIOBase | io.FileIO,
    member: Member,
    decrypter: Decrypter,
    trailer_bytes: int,
) -> tuple[int, int | None]:
    """Write a member's content and check it; what is written is sound only if nothing is raised.

    Parameters
    ----------
    stream
        The archive, at the member's data.
    sink
        Receives the content.
    member, decrypter, trailer_bytes
        As for and from `open_member`.

    Returns
    -------
    size : int
        Bytes written.
    crc : int or None
        Their CRC, where the member has one.

    Raises
    ------
    MemberError
        The data are damaged, or more than declared.
    """
    overhead = trailer_bytes
    if member.encrypted:
        overhead += (
            aes_header_bytes(member.aes_strength) if trailer_bytes else ZIPCRYPTO_HEADER_BYTES
        )
    unread = member.compressed_size - overhead
    if unread < 0:
        raise MemberError("corrupt", "it is shorter than its own encryption header")
    # Some writers leave an empty member without the two bytes of an empty deflate stream.
    deflated = member.method == DEFLATED and unread > 0
    inflater = zlib.decompressobj(-zlib.MAX_WBITS) if deflated else None
    size, crc = 0, 0
    # AE-2 leaves the CRC out: the authentication code covers the data.
    has_crc = member.aes_version != 2

    def put(block: bytes | memoryview) -> None:
        nonlocal size, crc
        size += len(block)
        if size > member.size:
            raise MemberError(
                "bomb", f"it unpacks to more than the {member.size:,} bytes that it declares"
            )
        if has_crc:
            crc = zlib.crc32(block, crc)
        written = sink.write(block)
        if written != len(block):
            raise OSError("short write")

    while unread:
        data = stream.read(min(_CHUNK, unread))
        if not data:
            raise MemberError("corrupt", f"the archive ends {unread:,} bytes before it does")
        unread -= len(data)
        plain = decrypter.decrypt(data)
        if inflater is None:
            put(plain)
            continue
        try:
            while not inflater.eof:
                block = inflater.decompress(plain, _CHUNK)
                put(block)
                plain = inflater.unconsumed_tail
                # A full block may mean that more is waiting inside the decompressor.
                if not plain and len(block) < _CHUNK:
                    break
        except zlib.error as error:
            raise MemberError("corrupt", f"its compressed data are damaged: {error}") from error
    if inflater is not None and not inflater.eof:
        raise MemberError("corrupt", "its compressed data have no end")
    if not decrypter.authentic(stream.read(trailer_bytes)):
        raise MemberError("corrupt", "its authentication code is wrong: damaged or altered")
    if size != member.size:
        raise MemberError("corrupt", f"it holds {size:,} bytes and should hold {member.size:,}")
    if has_crc and crc != member.crc:
        raise MemberError("corrupt", f"its CRC is {crc:08x} and should be {member.crc:08x}")
    return size, crc if has_crc else None
