"""Quantities and tables as people read them, in plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

_RATES = ((1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz"))
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def to_duration(seconds: float | None) -> str:
    """Return a duration: `"1.25 ms"`; `"-"` for None."""
    if seconds is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{_digits(seconds / size)} {unit}"
    return f"{seconds / 1e-9:.0f} ns" if seconds > 0 else "0 s"


def to_rate(count: float, seconds: float) -> str:
    """Return how often something happened, in three digits: `"29.9 Hz"`."""
    rate = count / seconds if seconds > 0 else 0.0
    for size, unit in _RATES:
        if rate >= size:
            return f"{_digits(rate / size)} {unit}"
    return f"{rate:.2f} Hz" if rate else "0 Hz"


def to_every(every: int | Fraction, rate_hz: float | None, unit: str = "") -> str:
    """Return how often a component fires: `"every 20/3, 30 Hz"`.

    Args:
        every: Ticks from one firing to the next.
        rate_hz: Ticks per second, if the system has a rate.
        unit: What stands after the ticks.
    """
    rate = f", {rate_hz / every:.6g} Hz" if rate_hz else ""
    return f"every {every}{unit}{rate}"


def to_share(part: float, whole: float) -> str:
    """Return a share in per cent: `"12 %"`."""
    share = 100 * part / whole if whole > 0 else 0.0
    if 0 < share < 0.1:
        return "<0.1 %"
    return f"{share:.0f} %" if share >= 10 or not share else f"{share:.1f} %"


def to_size(count: int) -> str:
    """Return a number of bytes: `"1.38 MB"`."""
    for size, unit in _SIZES:
        if count >= size:
            return f"{_digits(count / size)} {unit}"
    return f"{count} B"


def _digits(number: float) -> str:
    """Return a number of 1 or more in about three digits."""
    return f"{number:.{2 if number < 10 else 1 if number < 100 else 0}f}"


def to_takes(takes: int, rate_hz: float | None) -> str:
    """Return how long a firing takes: `"takes 8 ticks, 80.0 ms"`.

    Args:
        takes: Ticks from its inputs to its results.
        rate_hz: The system's ticks per second, if it has a rate.
    """
    ticks = "1 tick" if takes == 1 else f"{takes} ticks"
    return f"takes {ticks}" + (f", {to_duration(takes / rate_hz)}" if rate_hz else "")


def to_table(rows: Sequence[Sequence[str]], *, numbers: bool = True) -> str:
    """Return rows as aligned plain text, under the first of them.

    Args:
        rows: As many cells in each.
        numbers: Whether all but the first column hold numbers, and go right.
    """
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [
            cell.rjust(width) if numbers else cell.ljust(width)
            for cell, width in zip(row[1:], widths[1:], strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def exception_text(error: BaseException, say: Callable[[object], str] = str) -> str:
    """Return what an exception says of itself; where that raises, its type says it.

    Args:
        error: The exception; what it says is anybody's code.
        say: `str` or `repr`.
    """
    try:
        return say(error)
    except BaseException as worse:  # noqa: BLE001 - it must not take the place of both
        return f"({say.__name__} of it raised {type(worse).__name__})"
