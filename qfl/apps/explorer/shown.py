"""How values look on a page."""

from datetime import UTC, datetime

WEI = 10**18


def short(value: str | None) -> str:
    """A hash or an address, so that it fits a table: its beginning and its end."""
    text = str(value or "")
    return text if len(text) <= 14 else f"{text[:8]}…{text[-4:]}"


def when(seconds: int | None) -> str:
    """A block's time, UTC."""
    if seconds is None:
        return "not known"
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def until(deadline: int, now: int) -> str:
    """How far a deadline is from a chain's time."""
    return f"in {deadline - now:,} s" if deadline > now else "passed"


def ether(wei: int | str) -> str:
    """An amount, in ETH."""
    return f"{int(wei) / WEI:,.6f}".rstrip("0").rstrip(".") + " ETH"


def number(value: float | None) -> str:
    """A figure with separators."""
    if value is None:
        return ""
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"
