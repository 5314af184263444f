"""The gate of a new encoder."""

import dagster as dg

from beha2vec_dagster.encoders import newest_version, reasons_to_refuse
from beha2vec_dagster.resources import WarehouseResource


@dg.asset_check(
    asset="encoder_evaluation",
    description="The new encoder is not worse than the one in use, and its vectors have not collapsed.",
    blocking=True,
)
def candidate_is_no_worse(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Error where the candidate should be refused: it is not promoted, and its row in beha2vec.encoders says why."""
    with warehouse.connect("candidate_is_no_worse") as connection:
        candidate = newest_version(connection)
        reasons = reasons_to_refuse(connection, candidate)
        if reasons:
            connection.execute(
                "update beha2vec.encoders set refused = ? where model_version = ?", ["; ".join(reasons), candidate]
            )
    remedy = {"remedy": "train another encoder, or materialize trained_encoder with force in the Launchpad"}
    return dg.AssetCheckResult(
        passed=not reasons,
        metadata={"model_version": candidate, "reasons": reasons or "none"} | (remedy if reasons else {}),
    )
