"""Text without what may be a key or a password, and how an error's text is made of its values: in one line, no longer
than anybody reads. Everything that is printed, logged or kept for others goes through `conceal`.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from string import Formatter
from typing import Any

HIDDEN = "***"

_SCHEME = r"(?:[a-z][a-z0-9+.-]{0,30}:/|(?:http|ws)s?:)/"
"""With one slash, too: so does a `Path` write a URL that was given in place of a file."""
_LONGEST_LOGIN = 1_000
"""Characters, where it has spaces: so that the time to search a text does not grow with its square."""
_ADDRESS = re.compile(
    rf"(?<![a-z0-9])({_SCHEME})((?:[^\s/@:]*:(?![\d\s])(?:(?!://)[^\n]){{0,{_LONGEST_LOGIN}}}@)?\S*)", re.IGNORECASE
)
"""It ends at a space, but not before the login does: what follows the colon is a password if it is no port."""
_GIVEN_ADDRESS = re.compile(rf"({_SCHEME})?(.*)", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"(\[[0-9a-f:.%]*\]|[\w.-]*)(:\d*)?", re.IGNORECASE)
_LOGIN = re.compile(
    r"(?<![^\s'\"=(/@])[^\s'\"=(/@:]+:(?!//)"
    rf"(?:(?![\d\s])(?:(?!://)[^\n'\"]){{0,{_LONGEST_LOGIN}}}@|[^\s'\"@]*@)"
)
"""Where a scheme was forgotten. A password that begins with a digit ends at a space: it may be a port, or a time."""
_KEY = re.compile(r"(?:0x)?[0-9a-f]{41,}", re.IGNORECASE)
"""More digits than an address has: a private key, one with a digit lost, or a hash; nobody can tell them apart."""
_BETWEEN = r"(?:[\s,;:_-]|\\[nrt])+"
"""What people put between the parts of a secret; `repr` writes some of it with a backslash."""
_KEY_IN_GROUPS = re.compile(
    r"(?<![0-9a-z])(?:"
    + "|".join(
        rf"(?:(?:0x)?[0-9a-f]{{{size}}}{_BETWEEN}){{{64 // size - 1},}}[0-9a-f]{{1,{size}}}(?![0-9a-z])"
        for size in (2, 4, 8, 16, 32)
    )
    + ")",
    re.IGNORECASE,
)
_SHORTEST_MNEMONIC = 11
"""Words. It has twelve; one less, where the first of them was taken for something else."""
_WORDS = re.compile(
    rf"(?<![a-z])(?:[a-z]{{3,8}}{_BETWEEN}){{{_SHORTEST_MNEMONIC - 1},}}[a-z]{{3,8}}(?![a-z])", re.IGNORECASE
)
"""As many as a mnemonic has, of any language's prose."""
_AROUND = "\"'`)]}>,;:."  # what may stand after an address without being part of it


def conceal(text: str, with_hashes: bool = False) -> str:
    """`text` without keys, mnemonics, and the logins, paths and queries of URLs, where providers put their tokens.

    `with_hashes` leaves long hexadecimal numbers: for text in which this program names hashes, and nobody typed.
    """
    text = _LOGIN.sub(f"{HIDDEN}@", _ADDRESS.sub(_address_without_secrets, text))
    text = _KEY_IN_GROUPS.sub(HIDDEN, _WORDS.sub(_words_without_mnemonic, text))
    return text if with_hashes else _KEY.sub(HIDDEN, text)


def conceal_address(address: str) -> str:
    """What somebody gave as an address, all of it: whatever stands before its last @ is a login.

    A path is hidden also where the scheme was forgotten; not that of a multiaddress.
    """
    if address.startswith("/") and "@" not in address:
        return conceal(address)
    parts = _GIVEN_ADDRESS.fullmatch(address)
    assert parts is not None, "it matches anything"
    return conceal(_without_secrets(parts[1] or "", parts[2]))


def _words_without_mnemonic(match: re.Match[str]) -> str:
    """Nothing of the words where so many in a row are BIP-39's that one of them at most was mistyped."""
    is_listed = [word.lower() in _mnemonic_words() for word in re.split(_BETWEEN, match[0])]
    rows = (is_listed[start:][:_SHORTEST_MNEMONIC] for start in range(len(is_listed) - _SHORTEST_MNEMONIC + 1))
    return HIDDEN if any(sum(row) >= _SHORTEST_MNEMONIC - 1 for row in rows) else match[0]


@cache
def _mnemonic_words() -> frozenset[str]:
    """The English words of BIP-39; from a file of `eth_account`, which takes long to import."""
    spec = find_spec("eth_account")
    assert spec is not None and spec.origin is not None, "accounts need it"
    return frozenset((Path(spec.origin).parent / "hdaccount" / "wordlist" / "english.txt").read_text().split())


def _address_without_secrets(match: re.Match[str]) -> str:
    scheme, rest = match.groups()
    inside = rest.rstrip(_AROUND)
    return _without_secrets(scheme, inside) + rest[len(inside) :]


def _without_secrets(scheme: str, rest: str) -> str:
    _, login, place = rest.rpartition("@")
    host = re.split("[/?#]", place, maxsplit=1)[0]
    path = place[len(host) :]
    shown = host if _HOST.fullmatch(host) else HIDDEN
    return f"{scheme}{login and HIDDEN}{login}{shown}{f'/{HIDDEN}' if path.strip('/') else path}"


LONGEST_SHOWN = 200


def quoted(value: object) -> str:
    """A value that somebody gave, as a message quotes it: in one line, without secrets,
    and not longer than anybody reads."""
    if isinstance(value, int) and value.bit_length() > 128:
        return f"about {'-' if value < 0 else ''}10^{round(value.bit_length() * 0.30103)}"
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number inside is longer, or it is deeper, than Python writes out
        return f"a {type(value).__name__}"
    text = conceal(text)  # not after the cut: the beginning of a key is not known for one
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def named(values: Mapping[str, object]) -> str:
    """Values with their names; bytes in hex."""
    shown = {name: f"0x{value.hex()}" if isinstance(value, bytes) else value for name, value in values.items()}
    return ", ".join(f"{name}={value}" for name, value in shown.items())


FORMS: dict[str, Callable[[Any], str]] = {
    "address": conceal_address,
    "eth": lambda wei: f"{wei / 1e18:.6f}",
    "listed": lambda values: ", ".join(map(str, values)),
    "named": named,
    "quoted": quoted,
    "sentences": "; ".join,
}
"""What may follow a colon in a template, beside what Python itself takes there."""


class _Templates(Formatter):
    def format_field(self, value: Any, form: str) -> str:
        return FORMS[form](value) if form in FORMS else format(value, form)


def fill(template: str, values: Mapping[str, object]) -> str:
    """A template, such as `no chain answers at {url:address}`, with its values."""
    return _Templates().vformat(template, (), values)
