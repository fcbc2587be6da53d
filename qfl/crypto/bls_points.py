"""Points of BLS12-381 as bytes: compressed, as libraries and signatures have them, and in full, as the contracts do.

Compressed is the serialisation of the ciphersuite (draft-irtf-cfrg-pairing-friendly-curves, appendix C): 48 bytes for
G1, 96 for G2 with c1 first; three flag bits say "compressed", "infinity" and "the larger y". In full is x | y, an
element of Fp2 as c0 | c1 (the order of EIP-2537), 48 bytes each. Nothing here checks that a point is in its group.
"""

from qfl.errors import MalformedContent

FIELD = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
"""The modulus p of the base field; 3 modulo 4, so that a square root is one exponentiation."""
ELEMENT_BYTES = 48
KEY_BYTES, FULL_KEY_BYTES = 48, 96
SIGNATURE_BYTES, FULL_SIGNATURE_BYTES = 96, 192

_COMPRESSED, _INFINITY, _LARGER = 0x80, 0x40, 0x20
Pair = tuple[int, int]


def full_key(compressed: bytes) -> bytes:
    """A point of G1, 48 bytes but not infinity, in full: x | y. Raises MalformedContent: no point of the curve."""
    (x,), is_larger = _read(compressed, KEY_BYTES)
    y = _root((x**3 + 4) % FIELD)
    if y is None:
        raise MalformedContent("a BLS key whose x is of no point on the curve")
    return _bytes(x, y if (2 * y > FIELD) == is_larger else FIELD - y)


def full_signature(compressed: bytes) -> bytes:
    """A point of G2, 96 bytes, in full: x.c0 | x.c1 | y.c0 | y.c1. Raises as `full_key`."""
    (x1, x0), is_larger = _read(compressed, SIGNATURE_BYTES)
    square = _times((x0, x1), (x0, x1))
    cube = _times(square, (x0, x1))
    y = _root_of_pair(((cube[0] + 4) % FIELD, (cube[1] + 4) % FIELD))
    if y is None:
        raise MalformedContent("a BLS signature whose x is of no point on the curve")
    if _is_larger(y) != is_larger:
        y = (-y[0] % FIELD, -y[1] % FIELD)
    return _bytes(x0, x1, *y)


def compressed_key(full: bytes) -> bytes:
    """The 48 bytes of a point of G1 given in full. Raises MalformedContent: not 96 bytes."""
    if len(full) != FULL_KEY_BYTES:
        raise MalformedContent(f"a BLS key of {len(full)} bytes instead of {FULL_KEY_BYTES}")
    flags = _COMPRESSED | (_LARGER if 2 * int.from_bytes(full[ELEMENT_BYTES:]) > FIELD else 0)
    return bytes([full[0] | flags]) + full[1:ELEMENT_BYTES]


def compressed_signature(full: bytes) -> bytes:
    """The 96 bytes of a point of G2 given in full. Raises as `compressed_key`, for other than 192 bytes."""
    if len(full) != FULL_SIGNATURE_BYTES:
        raise MalformedContent(f"a BLS signature of {len(full)} bytes instead of {FULL_SIGNATURE_BYTES}")
    x0, x1, y0, y1 = (full[i : i + ELEMENT_BYTES] for i in range(0, FULL_SIGNATURE_BYTES, ELEMENT_BYTES))
    is_larger = _is_larger((int.from_bytes(y0), int.from_bytes(y1)))
    return bytes([x1[0] | _COMPRESSED | (_LARGER if is_larger else 0)]) + x1[1:] + x0


def _read(compressed: bytes, length: int) -> tuple[list[int], bool]:
    """The field elements in the order they are written in, and whether y is the larger one."""
    if len(compressed) != length or compressed[0] & (_COMPRESSED | _INFINITY) != _COMPRESSED:
        raise MalformedContent(f"{len(compressed)} bytes that are no compressed BLS point of {length}")
    data = bytes([compressed[0] & 0x1F]) + compressed[1:]
    elements = [int.from_bytes(data[i : i + ELEMENT_BYTES]) for i in range(0, length, ELEMENT_BYTES)]
    if max(elements) >= FIELD:
        raise MalformedContent("a BLS point with a coordinate outside the field")
    return elements, bool(compressed[0] & _LARGER)


def _bytes(*elements: int) -> bytes:
    return b"".join(element.to_bytes(ELEMENT_BYTES) for element in elements)


def _is_larger(y: Pair) -> bool:
    """Of y and -y: by the second coefficient, by the first where that is zero."""
    return 2 * (y[1] or y[0]) > FIELD


def _root(square: int) -> int | None:
    root = pow(square, (FIELD + 1) // 4, FIELD)
    return root if root * root % FIELD == square else None


def _root_of_pair(square: Pair) -> Pair | None:
    """A root in Fp[i], i^2 = -1: of its coefficients one is a root of (c0 +- |square|) / 2, the other follows."""
    size = _root((square[0] ** 2 + square[1] ** 2) % FIELD)
    if size is None:
        return None
    half = (FIELD + 1) // 2
    for candidate in (square[0] + size) * half % FIELD, (square[0] - size) * half % FIELD:
        first = _root(candidate)
        if first:
            return first, square[1] * half * pow(first, -1, FIELD) % FIELD
    # c1 is zero, and c0 no square: the root is purely imaginary.
    second = _root(-square[0] % FIELD)
    return None if second is None or square[1] else (0, second)


def _times(a: Pair, b: Pair) -> Pair:
    return (a[0] * b[0] - a[1] * b[1]) % FIELD, (a[0] * b[1] + a[1] * b[0]) % FIELD
