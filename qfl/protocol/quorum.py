"""How many seats of a committee must sign; `contracts/libraries/Seats.sol` says the same."""


def quorum_of(seats: int) -> int:
    """Signatures needed: at least two thirds of the seats."""
    return -(-2 * seats // 3)
