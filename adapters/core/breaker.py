"""The circuit breaker: whether a call to DAWG-CORE is worth trying now.

closed     calls go out
open       calls are refused at once, until a pause is over
half-open  one call is out as a trial; it closes the breaker or opens it for a pause twice as long

It knows no network and no clock of its own, so that its states can be tested one by one.
"""

import random
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half-open"]

# A user who starts DAWG-CORE should not wait longer than this to be seen.
LONGEST_PAUSE_S = 30.0
# Pauses are drawn within this share around their length, so that several clients do not ask in step.
JITTER = 0.2
# Told to a caller while somebody else's trial is out: its outcome is not known, but near.
TRIAL_S = 1.0


class Breaker:
    """Count failures in a row, and refuse calls for a while once there are too many.

    Attributes
    ----------
    state
        `closed`, `open` or `half-open`.
    """

    def __init__(
        self,
        failures_to_open: int,
        first_pause_s: float,
        *,
        clock: Callable[[], float],
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.state: State = "closed"
        self._failures_to_open = failures_to_open
        self._first_pause_s = min(first_pause_s, LONGEST_PAUSE_S)
        self._clock = clock
        self._draw = draw
        self._failures = 0
        self._pause_s = self._first_pause_s
        self._trial_at = 0.0

    def admit(self) -> float | None:
        """Return None if a call may go out now (once open, as the one trial), else the seconds to wait.

        Whoever is admitted must report `succeeded`, `failed` or `inconclusive`.
        """
        if self.state == "closed":
            return None
        if self.state == "half-open":
            return TRIAL_S
        if (wait_s := self.wait_s()) > 0:
            return wait_s
        self.state = "half-open"
        return None

    def wait_s(self) -> float:
        """Return the seconds until a call is admitted: 0 unless the breaker is open."""
        return max(0.0, self._trial_at - self._clock()) if self.state == "open" else 0.0

    def succeeded(self) -> None:
        """Close: DAWG-CORE answered as it should."""
        self.state = "closed"
        self._failures = 0
        self._pause_s = self._first_pause_s

    def failed(self) -> None:
        """Count a failure; open after too many in a row, or at once if it was the trial's."""
        self._failures += 1
        if self.state == "half-open":
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._open(self._pause_s)
        elif self.state == "closed" and self._failures >= self._failures_to_open:
            self._open(self._pause_s)

    def inconclusive(self) -> None:
        """Give an unfinished trial (cancelled, or answered with an error) to whoever calls next."""
        if self.state == "half-open":
            self._open(0.0)

    def _open(self, pause_s: float) -> None:
        self.state = "open"
        self._trial_at = self._clock() + pause_s * (1 + JITTER * (2 * self._draw() - 1))
