"""Checks of audiences."""

from __future__ import annotations

from beha2vec_core.audiences.file import AudienceError, load_audiences
from beha2vec_core.audiences.members import usable
from beha2vec_core.quality.check import CheckOutcome, Look


def audiences_can_be_used(look: Look) -> CheckOutcome:
    """Warn where the file of audiences cannot be read, or a rule uses what is not there."""
    try:
        audiences = load_audiences(look.settings.audiences.file)
    except AudienceError as error:
        return CheckOutcome(False, {}, str(error))
    if not audiences:
        return CheckOutcome(True)
    with look.connect("audiences_can_be_used") as connection:
        queries, problems = usable(connection, audiences)
    return CheckOutcome(not problems, {"usable": len(queries), "unusable": len(problems)}, "; ".join(problems))
