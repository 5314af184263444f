"""How our assets are declared, and what each shows in Dagster's UI: owners, tags, where to read and see more."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import metadata
from typing import Any, NamedTuple

import dagster as dg

from beha2vec_core.settings import ExportSettings

# the compute tag of assets of a kind
_COMPUTE = {"pytorch": "gpu", "sentencetransformers": "gpu", "openai": "llm"}


class _Group(NamedTuple):
    """The layer of a group's assets, their page in docs/, and the path of the explorer's page that shows them."""

    layer: str
    docs: str
    view: str


_GROUPS = {
    "ga4": _Group("source", "export", ""),
    "dbt_ga4": _Group("events", "dbt_ga4", ""),
    "pages": _Group("features", "pages", "site"),
    "sequences": _Group("features", "encoder", "user"),
    "encoder": _Group("model", "encoder", "model"),
    "clusters": _Group("result", "clusters", "clusters"),
    "predictions": _Group("result", "predictions", "predictions"),
    "audiences": _Group("result", "audiences", ""),
    "insights": _Group("result", "insights", "clusters"),
    "serving": _Group("result", "results", ""),
}
# assets with a page of their own
_DOCS = {
    "encoder_evaluation": "evaluation", "cluster_profiles": "profiles", "activations": "activation",
    "highlights": "semantic",
}  # fmt: skip
_VIEWS = {"user_embeddings": "map", "highlights": ""}


def asset(**options: Any) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """`dg.asset` that makes all days asked for in one run: each start of a run takes seconds."""
    single_run = dg.BackfillPolicy.single_run()
    decorate: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(backfill_policy=single_run, **options)
    return decorate


def with_attributes(spec: dg.AssetSpec, settings: ExportSettings) -> dg.AssetSpec:
    """The spec with owners, tags and links.

    The address of the documentation is the project URL `Documentation` of the package; without one, the page is named
    by its file.
    """
    name, group = spec.key.path[-1], _GROUPS[str(spec.group_name)]
    page = _DOCS.get(name, group.docs)
    file = "dbt_ga4/README.md" if page == "dbt_ga4" else f"docs/{page}.md"
    site = _documentation()
    links: dict[str, dg.MetadataValue] = {
        "docs": dg.MetadataValue.url(f"{site}/{page}/") if site else dg.MetadataValue.text(file)
    }
    if settings.explorer.url:
        links["explorer"] = dg.MetadataValue.url(f"{settings.explorer.url}/{_VIEWS.get(name, group.view)}")
    compute = next((_COMPUTE[kind] for kind in sorted(spec.kinds) if kind in _COMPUTE), "cpu")
    return spec.replace_attributes(owners=settings.dagster.owners or []).merge_attributes(
        tags={"layer": group.layer, "compute": compute}, metadata=links
    )


@cache
def _documentation() -> str | None:
    urls = dict(entry.split(", ", 1) for entry in metadata("beha2vec").get_all("Project-URL") or [])
    return urls["Documentation"].rstrip("/") if "Documentation" in urls else None
