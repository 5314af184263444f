"""Seeds: the users that others are compared with, from ids as people have them."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd

MOST_IDS = 200_000
_HEADINGS = frozenset({"user_key", "user_pseudo_id", "user_id", "client_key", "client_id", "id", "user id"})


@dataclass(frozen=True)
class Seeds:
    """The users found for a list of ids.

    Attributes:
        user_keys: of those who have a vector that can be relied on, each once, sorted.
        unknown: ids that no user here has, in the order given, each once.
        without_vector: ids of users who were seen but have no vector.
        too_little_evidence: ids of users whose vector is made from too few events to say whom they are like.
    """

    user_keys: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    without_vector: tuple[str, ...] = ()
    too_little_evidence: tuple[str, ...] = ()


def read_ids(text: str) -> list[str]:
    """The ids in a text, one per line or separated by commas, semicolons, tabs or blanks; each once, in order.

    Quotes are taken off, and a heading (``user_key``, ``user_pseudo_id``, ``user_id``, ...) is left out. In a table the
    first column is read.

    Raises:
        ValueError: there are more than 200,000.
    """
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    ids: list[str] = []
    if lines and (table := _table(lines)):
        ids = table
    else:
        for line in lines:
            ids += [part.strip("\"'") for part in line.replace(",", " ").replace(";", " ").split()]
    if ids and ids[0].lower() in _HEADINGS:
        ids = ids[1:]
    found = list(dict.fromkeys(one for one in ids if one))
    if len(found) > MOST_IDS:
        raise ValueError(f"there are {len(found):,} ids; give at most {MOST_IDS:,}, for example a random sample")
    return found


def _table(lines: list[str]) -> list[str]:
    """The first column, where the first line names it."""
    parting = next((mark for mark in ("\t", ";", ",") if mark in lines[0]), None)
    first = lines[0].split(parting)[0].strip("\"' ").lower() if parting else ""
    if first not in _HEADINGS or parting is None:
        return []
    return [row[0].strip() for row in csv.reader(lines, delimiter=parting) if row]


def find_seeds(connection: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> Seeds:
    """The users with these ids: our user_key, GA4's user_pseudo_id (device) or user_id (login), mixed as they come.

    A device or login of several persons, as the identity model sees them, gives them all.
    """
    connection.register("_given_ids", pd.DataFrame({"id": pd.Series(list(ids), dtype="str"), "place": range(len(ids))}))
    try:
        rows = connection.execute(
            """with known as (
                select id, user_key from _given_ids join beha2vec.user_embeddings_current on user_key = id
                union select id, user_key from _given_ids join ga4.dim_ga4__users on user_key = id
                union select id, user_key from _given_ids join ga4.int_ga4__identity_map on user_pseudo_id = id
                union select id, user_key from _given_ids join ga4.int_ga4__identity_map on client_key = id
                union select id, user_key from _given_ids join ga4.int_ga4__identity_map on user_id = id)
            select given.id, min(place) as place, list(distinct vectors.user_key) filter (not low_evidence),
                count(known.user_key), count(vectors.user_key)
            from _given_ids as given left join known using (id)
            left join beha2vec.user_embeddings_current as vectors using (user_key)
            group by given.id order by place"""
        ).fetchall()
    finally:
        connection.unregister("_given_ids")
    return Seeds(
        user_keys=tuple(sorted({key for _, _, keys, _, _ in rows for key in keys or []})),
        unknown=tuple(id_ for id_, _, _, seen, _ in rows if not seen),
        without_vector=tuple(id_ for id_, _, _, seen, vectors in rows if seen and not vectors),
        too_little_evidence=tuple(id_ for id_, _, keys, _, vectors in rows if vectors and not keys),
    )


def seeds_of_cluster(connection: duckdb.DuckDBPyConnection, cluster_key: int) -> Seeds:
    """All users of a cluster."""
    rows = connection.execute(
        """select user_key from beha2vec.user_clusters_current semi join beha2vec.user_embeddings_current
            using (user_key) where cluster_key = ? order by user_key""",
        [cluster_key],
    ).fetchall()
    return Seeds(tuple(key for (key,) in rows))
