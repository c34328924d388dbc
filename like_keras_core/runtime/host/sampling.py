"""Which ticks are measured, and what the samples say of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from like_keras_core.report import ComponentReport

FIRST = 4
EVERY = 64
"""The first ticks are measured, then one in 64."""

FAST_S = 1e-6
FAST_EVERY = 256
"""Where a firing takes less than a microsecond, which timing it would slow down by a
few per cent, one in 256 is measured."""

KEPT = 512
"""When there are so many samples, every second one is dropped; they become rarer."""


def is_sampled(tick: int) -> bool:
    """Say whether every process measures something at a tick."""
    return tick < FIRST or tick % EVERY == 0


class Sampler:
    """Chooses the ticks whose firings are measured, and keeps the samples few.

    Args:
        durations: Where the samples of each component are appended [s].
        others: Other samples of the same ticks.

    Attributes:
        every: A tick is measured if it is a multiple of it, or among the first ones.
            It only grows, by a power of two each time.
    """

    def __init__(
        self,
        durations: Sequence[list[float]],
        others: Sequence[list[float]] = (),
    ) -> None:
        self.durations = durations
        self.others = others
        self.every = EVERY
        # How many measured ticks are kept, always below KEPT. A list of samples is
        # at most as long: a component that was absent has none for that tick.
        self._taken = 0

    def wants(self, tick: int) -> bool:
        """Say whether to measure a tick."""
        return tick < FIRST or tick % self.every == 0

    def next_after(self, tick: int) -> int:
        """Return the next tick to measure, of those after the first ones."""
        return tick - tick % self.every + self.every

    def took(self, tick: int) -> None:
        """Know that a tick was measured."""
        self._taken += 1
        if tick == FIRST - 1 and self._is_fast():
            self.every = FAST_EVERY
        if self._taken == KEPT:
            self._taken //= 2
            self.every *= 2
            for samples in (*self.durations, *self.others):
                del samples[1::2]

    def _is_fast(self) -> bool:
        newest = [samples[-1] for samples in self.durations if samples]
        return sum(newest) < FAST_S * len(newest)


class ThinnedSamples:
    """Samples of what is measured each time, of which fewer are kept as they grow.

    Args:
        limit: When there are so many, every second one is dropped.

    Attributes:
        kept: Some of them, in order; the first is among them.
    """

    def __init__(self, limit: int = KEPT) -> None:
        self.kept: list[float] = []
        self._limit = limit
        self._greatest = -inf
        self._sum = 0.0
        # One in so many is kept, and how many have come.
        self._every = 1
        self._count = 0

    def add(self, sample: float) -> None:
        """Take in one more."""
        self._greatest = max(self._greatest, sample)
        self._sum += sample
        if self._count % self._every == 0:
            self.kept.append(sample)
            if len(self.kept) == self._limit:
                del self.kept[1::2]
                self._every *= 2
        self._count += 1

    def quantile(self, share: float) -> float | None:
        """Return the sample below which a share of them lies; None of nothing."""
        return quantile(self.kept, share) if self.kept else None

    @property
    def mean(self) -> float | None:
        """The mean of all; None of nothing."""
        return self._sum / self._count if self._count else None

    @property
    def greatest(self) -> float | None:
        """The greatest of all; None of nothing."""
        return self._greatest if self._count else None


def times_of(
    fired: int, absent: int, samples: Sequence[float], limit_s: float
) -> ComponentReport:
    """Return a component's report; its times are estimated from sampled firings.

    Args:
        fired: How often `forward` ran to its end.
        absent: At how many ticks it did not fire.
        samples: Durations of some firings, the first of all in front [s].
        limit_s: How long the run took: no component was busy for longer [s].
    """
    if not samples:
        return ComponentReport(fired=fired, absent=absent)
    first, rest = samples[0], samples[1:] or samples
    mean = sum(rest) / len(rest)
    return ComponentReport(
        fired=fired,
        absent=absent,
        busy_s=min(limit_s, first + mean * (fired - 1)) if fired else 0.0,
        latency_p50_s=quantile(samples, 0.5),
        latency_p99_s=quantile(samples, 0.99),
    )


def quantile(samples: Sequence[float], share: float) -> float:
    """Return the sample below which a share of them lies; there is at least one."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
