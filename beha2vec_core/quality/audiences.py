"""Checks of audiences."""

from beha2vec_core.quality.check import CheckOutcome, Look


def audiences_can_be_used(look: Look) -> CheckOutcome:
    """Warn where the file of audiences cannot be read, or a rule uses what is not there."""
    from beha2vec_core.audiences.file import AudienceError
    from beha2vec_core.audiences.members import audiences_of_night, usable

    with look.connect("audiences_can_be_used") as connection:
        try:
            audiences = audiences_of_night(connection, look.settings.audiences.file)
        except AudienceError as error:
            return CheckOutcome(False, {}, str(error))
        tables, problems = usable(connection, audiences, strict=True)
    return CheckOutcome(not problems, {"usable": len(tables), "unusable": len(problems)}, "; ".join(problems))
