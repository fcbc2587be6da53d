"""Checks of single numbers that somebody wrote: in a file, in a document, on a command line. Every one has two ends."""

from qfl.errors import InvalidInput

LAST_SEED = 2**32 - 1  # what every generator of random numbers here takes
LAST_PARTICIPANT = 2**32 - 1  # the largest number that the contracts could give to one
MOST_PARTICIPANTS = 2**16  # of a kind in one process; the shards of a deployment take 256 updates each
MOST_ROUNDS = 10**6
SIGNINGS = ("auto", "keys", "lms")
"""How a client commits: by key, with a signature, or by key where it need not trust one node of somebody else's."""


def check_whole(name: str, value: object, least: int, most: int) -> None:
    """Refuse what is no whole number from `least` to `most`. Raises InvalidInput."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidInput(name, value, f"must be a whole number from {least} to {most}")


def check_number(
    name: str, value: object, least: float, most: float, *, above: bool = False, below: bool = False
) -> None:
    """Refuse what is no number from `least` to `most`; `above` and `below` leave out the ends themselves.

    Raises InvalidInput.
    """
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not least <= value <= most
        or (above and value == least)
        or (below and value == most)
    ):
        start = f"above {least:g}, " if above else f"from {least:g}"
        end = f"{'' if above else ', '}below {most:g}" if below else f"at most {most:g}" if above else f" to {most:g}"
        raise InvalidInput(name, value, f"must be a number {start}{end}")


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse what is none of `choices`. Raises InvalidInput."""
    if value not in choices:
        raise InvalidInput(name, value, f"choose one of {', '.join(choices)}")
