"""What an insight is: the models a language model fills, and the table both narrators write."""

from typing import Annotated

import pyarrow as pa
from pydantic import AfterValidator, BaseModel, Field

from beha2vec_core.profiles.text import clean_text

MAX_NAME_WORDS = 4
MAX_ACTIONS = 5

INSIGHTS_SCHEMA = pa.schema(
    [
        pa.field("cluster_key", pa.int32()),  # null for the comparison of all clusters
        pa.field("name", pa.string(), nullable=False),
        pa.field("summary", pa.string(), nullable=False),
        pa.field("persona", pa.string()),
        pa.field("evidence", pa.list_(pa.string()), nullable=False),  # fact ids of cluster_profiles
        pa.field("actions", pa.list_(pa.string()), nullable=False),
        pa.field("written_by", pa.string(), nullable=False),  # 'template' or the model's name
        pa.field("similarities", pa.string()),  # comparison row only
        pa.field("key_differences", pa.string()),  # comparison row only
        pa.field("differences", pa.string()),  # null for the comparison
        pa.field("caveats", pa.string()),  # null for the comparison
        pa.field("opportunities", pa.string()),  # comparison row only
        pa.field("input_hash", pa.string()),  # of what a model was asked; null where no answer of a model is final
        pa.field("reason", pa.string()),  # why the template wrote it although a model was asked
        pa.field("draft", pa.string()),  # JSON: texts and actions with placeholders, see `stored`
    ]
)


def _prose(limit: int) -> AfterValidator:
    # a check of ours, not in the JSON schema: some endpoints refuse schemas with lengths
    def check(text: str) -> str:
        if not (clean := clean_text(text, limit=10 * limit)):
            raise ValueError("must not be empty")
        if len(clean) > limit:
            raise ValueError(f"must have at most {limit} characters, has {len(clean)}")
        return clean

    return AfterValidator(check)


def _short_name(name: str) -> str:
    if len(name.split()) > MAX_NAME_WORDS:
        raise ValueError(f"must have at most {MAX_NAME_WORDS} words: {name!r}")
    return name


def _few(actions: list[str]) -> list[str]:
    if not 1 <= len(actions) <= MAX_ACTIONS:
        raise ValueError(f"must be 1 to {MAX_ACTIONS} actions, are {len(actions)}")
    return actions


class ClusterInsight(BaseModel):
    """One cluster in words. A draft has placeholders for the numbers of the facts (see ``placeholders``)."""

    name: Annotated[str, _prose(60), AfterValidator(_short_name)] = Field(
        description="Up to four words for these users by what they do"
    )
    summary: Annotated[str, _prose(2500)] = Field(description="Who they are: what is unusual here, in a few sentences")
    differences: Annotated[str, _prose(2500)] = Field(
        description="What sets them apart, each number with that of all users"
    )
    persona: Annotated[str, _prose(1500)] = Field(
        description="A typical user: how they arrive, what they do, on what device"
    )
    caveats: Annotated[str, _prose(1500)] = Field(description="How sure this is, and what the facts do not show")
    evidence: list[str] = Field(description="The ids of the facts used")
    actions: Annotated[list[Annotated[str, _prose(600)]], AfterValidator(_few)] = Field(
        description="One to five things to do next"
    )


class ClusterComparison(BaseModel):
    """All clusters beside each other."""

    similarities: Annotated[str, _prose(2500)] = Field(description="What the clusters have in common")
    key_differences: Annotated[str, _prose(5000)] = Field(description="How they differ")
    opportunities: Annotated[str, _prose(3000)] = Field(description="Where to act first, and why")
    evidence: list[str] = Field(description="The ids of the facts used")


def stored(draft: ClusterInsight | ClusterComparison) -> str:
    """The texts of a draft as the column ``draft`` has them: JSON, placeholders in place of numbers."""
    return draft.model_dump_json(exclude={"name", "evidence"})
