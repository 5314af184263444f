"""Members of audiences are sent to other systems."""

from collections import Counter

import dagster as dg

from beha2vec_core.settings import ExportSettings
from beha2vec_dagster.lib.assets import asset
from beha2vec_dagster.lib.metadata import made, markdown_table
from beha2vec_dagster.lib.resources import WarehouseResource

_CHECK = "activations_are_accepted"
_REMEDY = "see docs/activation.md; beha2vec activate AUDIENCE --to DESTINATION shows what is left to send"


def build_assets(settings: ExportSettings) -> list[dg.AssetsDefinition]:
    """The asset, for these settings."""

    @asset(
        deps=["audience_members"],
        group_name="audiences",
        kinds={"duckdb"},
        code_version="1",
        check_specs=[
            dg.AssetCheckSpec(
                _CHECK,
                asset="activations",
                description="All that was sent was accepted, and no audience that ended has users at a destination.",
            )
        ],
    )
    # Dagster takes no parameter of the type beside check_specs
    def activations(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Send the members of audiences to the destinations that `audiences.yml` marks with `send: true`.

        Only what differs from what was sent before is sent; the ledger says what that was.
        """
        from beha2vec_core.activation.run import Sending, send_marked
        from beha2vec_core.audiences.file import AudienceError

        found: list[Sending] = []
        problems: list[str] = []
        try:
            found = send_marked(settings, warehouse.connect)
        except AudienceError as error:
            context.log.warning(f"{error}. Nothing was sent")
            problems.append(str(error))
        is_error = bool(problems) or any(one.is_error for one in found)
        problems += [f"{one.audience} to {one.destination}: {one.problem}" for one in found if one.problem]
        for problem in problems:
            context.log.warning(problem)
        steps = [
            (one.audience, one.destination, step, users)
            for one in found
            if one.plan
            for step, users in one.plan.steps.items()
        ]
        outcomes = [
            (one.audience, one.destination, change, outcome, users)
            for one in found
            if one.report
            for (change, outcome), users in one.report.kinds.items()
        ]
        totals: Counter[str] = Counter()
        for *_, outcome, users in outcomes:
            totals[outcome] += users
        where = ["audience", "destination"]
        check = dg.AssetCheckResult(
            check_name=_CHECK,
            passed=not problems,
            severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
            metadata={"message": "; ".join(problems), "remedy": _REMEDY} if problems else {},
        )
        return made(
            {outcome: totals[outcome] for outcome in ("accepted", "refused", "unknown", "not_sent")},
            checks=[check],
            status="; ".join(problems) or ("sent" if found else "no audience has send: true"),
            users_by_step=markdown_table([*where, "step", "users"], steps) if steps else None,
            users_by_outcome=markdown_table([*where, "change", "outcome", "users"], outcomes) if outcomes else None,
        )

    return [activations]
