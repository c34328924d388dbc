"""Lines side by side: a track for each net in a gap or a channel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stretch:
    """What one net needs of a gap or a channel.

    Args:
        net: The net.
        low: Where it begins, along the gap or channel.
        high: Where it ends.
        before: Where it is entered from the side of the first track.
        beyond: Where it is left to the side of the last track.
        slope: Orders stretches so that few cross: small ones go to the first tracks.
    """

    net: int
    low: float
    high: float
    before: set[float] = field(default_factory=set)
    beyond: set[float] = field(default_factory=set)
    slope: float = 0.0

    def widen(self, *places: float) -> None:
        """Make it reach to more places."""
        self.low, self.high = min(self.low, *places), max(self.high, *places)


def tracks_of(stretches: Iterable[Stretch]) -> dict[int, int]:
    """Return the track of each net, so that no two lie on one another.

    Where one net comes from before and another goes beyond at the same place, the first
    has the smaller track, or the two would meet there; unless that goes in a circle.

    Args:
        stretches: What each net needs, one stretch a net.

    References:
        Hashimoto & Stevens, "Wire Routing by Optimizing Channel Assignment within
        Large Apertures", *Design Automation Workshop*, 1971: each interval gets the
        first track on which it touches no other. There they come by their left edges,
        for the fewest tracks; here by `slope`, for few crossings.
        Yoshimura & Kuh, "Efficient Algorithms for Channel Routing", *IEEE Transactions
        on Computer-Aided Design* 1(1), 1982: the graph of vertical constraints, here
        `first`. Nets are not merged.
    """
    waiting = sorted(stretches, key=lambda x: (x.slope, x.low, x.net))
    comes: dict[float, list[int]] = defaultdict(list)
    for stretch in waiting:
        for place in stretch.before:
            comes[place].append(stretch.net)
    first = {
        stretch.net: {net for x in stretch.beyond for net in comes[x]} - {stretch.net}
        for stretch in waiting
    }
    tracks: list[list[Stretch]] = []
    found: dict[int, int] = {}
    while waiting:
        ready = (n for n, x in enumerate(waiting) if first[x.net] <= found.keys())
        stretch = waiting.pop(next(ready, 0))
        n = max(
            (found[net] + 1 for net in first[stretch.net] if net in found), default=0
        )
        while n < len(tracks) and any(_touch(stretch, other) for other in tracks[n]):
            n += 1
        if n == len(tracks):
            tracks.append([])
        tracks[n].append(stretch)
        found[stretch.net] = n
    return found


def _touch(one: Stretch, other: Stretch) -> bool:
    return one.low <= other.high and other.low <= one.high
