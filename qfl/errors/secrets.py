"""Text without what may be a key or a password: everything that is printed, logged or kept for others goes through."""

from __future__ import annotations

import re

HIDDEN = "***"

_ADDRESS = re.compile(r"\b((?:[a-z][a-z0-9+.-]*:/|(?:http|ws)s?:)/)(\S*)", re.IGNORECASE)
"""With one slash, too: so does a `Path` write a URL that was given in place of a file."""
_HOST = re.compile(r"(\[[0-9a-f:.%]*\]|[\w.-]*)(:\d*)?", re.IGNORECASE)
_LOGIN = re.compile(r"[^\s'\"=(/@]+:(?!//)[^\s'\"@]*@")
"""Where a scheme was forgotten."""
_KEY = re.compile(r"(?:0x)?[0-9a-f]{41,}", re.IGNORECASE)
"""More digits than an address has: a private key, one with a digit lost, or a hash; nobody can tell them apart."""
_MNEMONIC = re.compile(r"\b(?:[a-z]{3,8}\s+){10,}[a-z]{3,8}\b", re.IGNORECASE)
"""Twelve words or more; eleven, where the first of them was taken for something else."""
_AROUND = "\"'`)]}>,;:."
"""What may stand after an address without being part of it."""


def conceal(text: str, with_hashes: bool = False) -> str:
    """`text` without keys, mnemonics, and the logins, paths and queries of URLs, where providers put their tokens.

    `with_hashes` leaves long hexadecimal numbers: for text in which this program names hashes, and nobody typed.
    """
    text = _LOGIN.sub(f"{HIDDEN}@", _ADDRESS.sub(_without_secrets, text))
    text = _MNEMONIC.sub(HIDDEN, text)
    return text if with_hashes else _KEY.sub(HIDDEN, text)


def conceal_address(address: str) -> str:
    """As `conceal`, for what somebody gave as an address: a path is hidden also where the scheme was forgotten."""
    if "://" in address or address.startswith("/"):  # the latter is a multiaddress
        return conceal(address)
    return conceal(f"http://{address}").removeprefix("http://")


def _without_secrets(match: re.Match[str]) -> str:
    scheme, rest = match.groups()
    inside = rest.rstrip(_AROUND)
    _, login, place = inside.rpartition("@")
    host = re.split("[/?#]", place, maxsplit=1)[0]
    path = place[len(host) :]
    shown = host if _HOST.fullmatch(host) else HIDDEN
    return f"{scheme}{login and HIDDEN}{login}{shown}{f'/{HIDDEN}' if path.strip('/') else path}{rest[len(inside) :]}"
