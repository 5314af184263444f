"""How long to wait: between two requests to a host, and before a request is tried again."""

import random
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class Pacer:
    """Keeps requests to one host apart."""

    def __init__(self) -> None:
        self._free_at: dict[str, float] = {}

    def wait(self, host: str, seconds: float) -> None:
        """Sleep until the host may be asked, and take the next ``seconds`` for this request."""
        now = time.monotonic()
        start = max(now, self._free_at.get(host, now))
        self._free_at[host] = start + seconds
        if start > now:
            time.sleep(start - now)

    def hold(self, host: str, seconds: float) -> None:
        """Leave the host alone for ``seconds`` from now."""
        self._free_at[host] = max(self._free_at.get(host, 0.0), time.monotonic() + seconds)


def backoff(attempt: int, first: float, longest: float) -> float:
    """Seconds before try number ``attempt + 1``: ``first``, doubled each time, less a jitter of up to half."""
    return min(first * 2.0 ** (attempt - 1), longest) * random.uniform(0.5, 1.0)


def retry_after(value: str | None) -> float | None:
    """The seconds that a Retry-After header asks for (a number, or a date); None where it says nothing of use."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
