"""The wait of a process for results that are due, before a tick begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter

from like_keras_core.runtime.host.instruments import Instruments
from like_keras_core.runtime.host.pending_results import PendingResult


class ResultWait:
    """Waits for what is due, or lets it come later.

    Args:
        pending: What the components have under way that take ticks.
        instruments: Told how long everybody has waited for whom.
        is_stopped: Whether the run was asked to end.
        skips: Whether a result that is not there comes at a later tick.

    Attributes:
        waits_for: Whose result the present tick waits for.
        is_paced: Whether the ticks have a rate: then what is not there has overrun.
    """

    def __init__(
        self,
        pending: Mapping[str, PendingResult],
        instruments: Instruments,
        is_stopped: Callable[[], bool],
        *,
        skips: bool,
    ) -> None:
        self.waits_for: PendingResult | None = None
        self.is_paced = False
        self._pending = pending
        self._instruments = instruments
        self._is_stopped = is_stopped
        self._skips = skips

    def __call__(self, tick: int) -> bool:
        """Wait for the results that are due; return whether the run is to stop instead.

        Args:
            tick: The tick that begins; nothing of it has been done.
        """
        for pending in self._pending.values():
            if pending.due != tick or pending.is_done:
                continue
            if self.is_paced and not self._skips:
                pending.note_overrun(tick)
            if self._skips:
                pending.put_off()
                continue
            self.waits_for, began = pending, perf_counter()
            while not (pending.wait() or self._is_stopped()):
                pass
            self.waits_for = None
            self._instruments.held(pending.name, began)
            if self._is_stopped():
                return True
        return False
