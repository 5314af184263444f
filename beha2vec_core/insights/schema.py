"""What an insight is: what a language model answers, and the texts that code writes from it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Direction = Literal["more", "less", "no clear difference"]
MAX_NAME_WORDS = 4
_MAX_CLAIMS = 12
_MAX_INTERPRETATION = 800


def _at_most(limit: int) -> AfterValidator:
    # a check of ours, not in the JSON schema: some endpoints refuse schemas with lengths
    def check(value: list[object] | str) -> list[object] | str:
        if len(value) > limit:
            raise ValueError(f"must have at most {limit}, has {len(value)}")
        return value

    return AfterValidator(check)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Claim(_Answer):
    """A fact that matters, and how it compares with all users."""

    fact: str = Field(description="The id of a fact, copied exactly")
    direction: Direction = Field(description="Its compared_with_all_users")
    link: Literal["new", "and", "but"] = Field(description="new: a new sentence; and, but: joined to the claim before")


class ClusterAnswer(_Answer):
    """What a model answers about one cluster."""

    name: str = Field(description="Up to four words for these users by what they do")
    summary: Annotated[list[Claim], _at_most(_MAX_CLAIMS)] = Field(
        description="What is unusual here, two to six claims"
    )
    differences: Annotated[list[Claim], _at_most(_MAX_CLAIMS)] = Field(
        description="All that sets them apart, the most telling first"
    )
    interpretation: Annotated[str, _at_most(_MAX_INTERPRETATION)] = Field(
        description="What these facts may mean, in your own words, two or three sentences"
    )


class Contrast(_Answer):
    """The same metric of two clusters, and how the first compares with the second."""

    first: str = Field(description="The id of a fact of one cluster")
    second: str = Field(description="The id of the same fact of another cluster")
    direction: Direction = Field(description="The first beside the second")


class ComparisonAnswer(_Answer):
    """What a model answers about all clusters."""

    key_differences: Annotated[list[Contrast], _at_most(_MAX_CLAIMS)] = Field(description="How they differ")
    interpretation: Annotated[str, _at_most(_MAX_INTERPRETATION)] = Field(
        description="What the differences may mean, in your own words, two or three sentences"
    )


class ClusterInsight(BaseModel):
    """One cluster in words. A draft has placeholders for the numbers of the facts (see ``placeholders``)."""

    name: str
    summary: str
    differences: str
    persona: str
    caveats: str
    evidence: list[str]
    actions: list[str]
    interpretation: str | None = None


class ClusterComparison(BaseModel):
    """All clusters beside each other."""

    similarities: str
    key_differences: str
    opportunities: str
    evidence: list[str]
    interpretation: str | None = None


def stored(draft: ClusterInsight | ClusterComparison) -> str:
    """The texts of a draft as the column ``draft`` has them: JSON, placeholders in place of numbers."""
    return draft.model_dump_json(exclude={"name", "evidence", "interpretation"})
