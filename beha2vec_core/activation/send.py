"""Send a plan, request by request, each written down before and after."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from beha2vec_core.activation.destination import ActivationError, Change, Destination, Outcome
from beha2vec_core.activation.ledger import Ledger
from beha2vec_core.activation.plan import Plan
from beha2vec_core.progress import ProgressBar
from beha2vec_core.words import counted

# after this number of requests in a row that were not accepted, no further one is sent
_MOST_FAILURES = 5
# a request that was accepted for later and has no result for so long is sent again
_LONGEST_WORK = timedelta(days=7)


@dataclass
class Report:
    """What became of a send."""

    # users by state: ``accepted``, ``refused``, ``unknown``, and ``not_sent`` where it was stopped
    outcomes: Counter[str] = field(default_factory=Counter)
    # users by change (``enter``, ``update``, ``leave``) and state
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)  # users by reason, of those that were not accepted
    stopped: str = ""  # why nothing further was sent; empty where all was
    is_counted: bool = False  # the destination counts each request, so unknown ones are not repeated
    # requests that were accepted for later before, by what became of them (`confirm`)
    earlier: Mapping[str, int] = field(default_factory=dict)

    @property
    def has_failed(self) -> bool:
        """Whether anything was refused or not sent; an answer that was lost is neither."""
        return bool(self.stopped or self.outcomes.get("refused") or self.earlier.get("refused"))

    @property
    def is_complete(self) -> bool:
        """Whether all was accepted, of earlier requests too."""
        return (
            not self.has_failed and not self.outcomes.get("unknown") and self.earlier.keys() <= {"accepted", "pending"}
        )

    def lines(self) -> list[str]:
        """For people: what became of it, and what to do."""
        lines = [f"{state.replace('_', ' ')}: {counted(users, 'user')}" for state, users in self.outcomes.items()]
        lines += [f"  {reason}: {counted(users, 'user')}" for reason, users in self.reasons.items()]
        for state, requests in self.earlier.items():
            lines.append(f"earlier requests, {state}: {counted(requests, 'request')}")
        if self.stopped:
            lines.append(f"stopped: {self.stopped}. Correct it and send again: what was accepted is not sent again")
        if self.outcomes.get("unknown"):
            lines.append(
                "unknown: the answer was lost, and sending twice counts twice. Look there whether the events arrived; "
                "if not, send again with --repeat-unknown"
                if self.is_counted
                else "unknown: the answer was lost; the next send repeats it, which does no harm"
            )
        return lines


def send_plan(plan: Plan, ledger: Ledger) -> Report:
    """Send a plan, made while this ledger was open; what became of it. One without changes is written down too."""
    destination, changes = plan.destination, plan.changes
    report = Report(is_counted=destination.counts)
    ids = ledger.begin(
        destination.name, plan.audience, plan.steps, changes, called=plan.called, place=destination.place
    )
    done = failures = 0
    requests = send_requests(destination, ledger, plan.audience, plan.called, changes, ids)
    title = f"sending {plan.audience} to {destination.name}"
    with closing(ProgressBar(title=title, unit="user", total=len(changes))) as bar:
        for batch, outcomes, report.stopped in requests:
            done += len(batch)
            failures = 0 if any(one.state == "accepted" for one in outcomes) else failures + 1
            if failures == _MOST_FAILURES and done < len(changes):
                report.stopped = f"{failures} requests in a row were not accepted ({outcomes[-1].reason})"
            bar.update(len(batch))
            if report.stopped:
                break
    for kind, state, reason, users in ledger.tally(ids[:done]):
        report.outcomes[state] += users
        report.kinds[kind, state] += users
        if reason:
            report.reasons[reason] += users
    if done < len(changes):
        report.outcomes["not_sent"] = len(changes) - done
        report.kinds.update((change.kind, "not_sent") for change in changes[done:])
    ledger.finish(destination.name, plan.audience)
    return report


def send_requests(
    destination: Destination, ledger: Ledger, audience: str, called: str, changes: Sequence[Change], ids: Sequence[int]
) -> Iterator[tuple[Sequence[Change], list[Outcome], str]]:
    """Send changes that were begun, by the ids of the ledger; each request is written down before and after.

    Yields the changes of a request, what became of each, and why no further request can succeed; empty: it may.
    """
    done = 0
    for batch in destination.batches(changes):
        batch_ids = ids[done : done + len(batch)]
        done += len(batch)
        key, stopped = ledger.request_for(destination.name, audience, batch), ""
        ledger.sending(batch_ids, key)
        try:
            outcomes = destination.send(batch, called, key)
        except ActivationError as error:
            stopped = str(error)
            outcomes = [Outcome("unknown" if error.is_sent else "refused", stopped)] * len(batch)
        ledger.answered(batch_ids, outcomes)
        yield batch, outcomes, stopped


def confirm(destination: Destination, ledger: Ledger, audience: str) -> Mapping[str, int]:
    """Ask what became of requests that were accepted for later; how many by state, also ``pending`` and ``partly``."""
    found: dict[str, int] = {}
    for receipt, moment in ledger.receipts(destination.name, audience):
        outcome = destination.confirm(receipt)
        if outcome is None and datetime.now(UTC) - moment > _LONGEST_WORK:
            outcome = Outcome("unknown", f"no result after {_LONGEST_WORK.days} days")
        if outcome is not None:
            ledger.confirmed(destination.name, receipt, outcome)
        state: str = "pending"
        if outcome is not None:
            state = "partly" if outcome.state == "accepted" and outcome.reason else outcome.state
        found[state] = found.get(state, 0) + 1
    return found
