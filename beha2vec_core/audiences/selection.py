"""Who of an audience may be contacted: consent, exclusions, cap and hold-out, each step counted.

The hold-out is drawn last, from those who would be contacted: only then are both groups alike.
"""

from pathlib import Path
from typing import NamedTuple

import duckdb

from beha2vec_core.audiences.file import Audience
from beha2vec_core.privacy.key import key, key_path
from beha2vec_core.store.publish import hmac_sql


class Step(NamedTuple):
    """A step of the selection: what it leaves out and why, and how many users are left."""

    name: str
    left_out: int
    users: int


def selection_sql(audience: Audience, table: str, secret: bytes) -> str:
    """SQL of the members: ``property_id``, ``user_key``, ``why``, ``rank`` and ``step``.

    ``step`` is what leaves a user out (``consent``, ``exclude``, ``cap``, ``holdout``), or null: they may be contacted.
    The hold-out is a keyed hash of the audience and the user's first device: no one can guess it, all user keys of a
    login id are in it or none, and a user stays in it when they log in and so get another key.

    Args:
        table: its members, from `audience_table`.
        secret: the key of the installation (`privacy.key.key`).
    """
    hashed = hmac_sql(f"('{audience.name}:' || first_device)", secret)
    drawn = f"('0x' || left({hashed}, 8))::ubigint / {2**32}"
    consented = "coalesce(is_ads_consented, false)" if audience.purpose == "ads" else "true"
    capped = f"place > {audience.cap}" if audience.cap else "false"
    return f"""select property_id, user_key, why, rank, case when step is not null then step when {capped} then 'cap'
            when {drawn} < {audience.holdout} then 'holdout' end as step
        from (
            select *, row_number() over (partition by step is null order by rank desc nulls last, user_key) as place
            from (
                select *, case when not {consented} then 'consent' when is_excluded then 'exclude' end as step
                from {table}))"""


def steps(connection: duckdb.DuckDBPyConnection, audience: Audience, selection: str) -> list[Step]:
    """The selection (from `selection_sql`) step by step, from the members to those who may be contacted."""
    counted = dict(connection.execute(f"select coalesce(step, ''), count(*) from ({selection}) group by 1").fetchall())
    users = sum(counted.values())
    found = [Step("members by the rule", 0, users)]
    for name, words in (
        ("consent", "no consent for ads"),
        ("exclude", f"excluded: {' '.join((audience.exclude or '').split())}"),
        ("cap", f"above the cap of {audience.cap or 0:,}"),
        ("holdout", f"hold-out of {100 * audience.holdout:g}%, never contacted"),
    ):
        asked_for = (name == "consent" and audience.purpose == "ads") or (name == "holdout" and audience.holdout > 0)
        if name in counted or asked_for:
            users -= counted.get(name, 0)
            found.append(Step(words, counted.get(name, 0), users))
    return found


def preview_key(data_dir: Path) -> bytes:
    """The key for previews. The first run makes it; until then the hold-out is as large, but of other users.

    Raises:
        PrivacyError: the file is not a key.
    """
    return key(data_dir) if key_path(data_dir).exists() else bytes(32)
