"""What is kept between runs, in DuckDB: vectors of texts, and rows of a run that has not ended yet.

A run that dies keeps every chunk that it had classified; the next one goes on from there.
"""

import hashlib
from typing import Protocol

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beha2vec_core.store.warehouse import Connect, transaction

_OPTIONAL_COLUMNS = ("item_names", "item_categories", "usual_events", "frequent_events", "page_text")


def read_pages(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The pages with who saw them under their titles, and with those optional columns that the table has."""
    there = {row[0] for row in connection.execute("describe ga4.dim_ga4__pages").fetchall()}
    optional = "".join(f", {column}" for column in _OPTIONAL_COLUMNS if column in there)
    return connection.execute(
        f"""select pages.page_key, pages.page_title, page_path, hostname, page_views, seen.users{optional}
        from ga4.dim_ga4__pages as pages left join (
            select page_key, page_title, count(distinct user_key) as users from ga4.fct_ga4__page_views group by all
        ) as seen on pages.page_key = seen.page_key and pages.page_title is not distinct from seen.page_title"""
    ).df()


class TextEncoder(Protocol):
    """Turns texts into vectors: an `Embedder`, or a `CachedEmbedder` around one."""

    version: str

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Vectors of length 1, float32 [len(texts), dim], in the order of ``texts``."""
        ...


class PageStore:
    """Opens the warehouse for moments only, each write one transaction.

    Args:
        connect: gives a connection to a database that has our tables, for the purpose named; as `Warehouse.connect`.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def known_rows(self) -> pd.DataFrame:
        """The published rows, and over them those of a run that did not end."""
        with self._connect("pages: read what is known") as connection:
            return connection.execute(
                """from cache.enriched_pages_unpublished
                union all by name
                select * from beha2vec.enriched_pages as published
                where not exists (from cache.enriched_pages_unpublished as newer
                    where newer.page_key = published.page_key)"""
            ).df()

    def keep_rows(self, rows: pd.DataFrame) -> None:
        """Keep classified pages until they are published."""
        with self._connect("pages: keep a chunk") as connection:
            connection.register("chunk", rows)
            connection.execute("insert or replace into cache.enriched_pages_unpublished by name select * from chunk")

    def publish(self, rows: pd.DataFrame, text_version: str | None) -> None:
        """Replace ``beha2vec.enriched_pages``; forget what was kept for it and vectors of other models. All at once."""
        with self._connect("pages: publish") as connection:
            connection.register("enriched", rows)
            with transaction(connection):
                connection.execute("delete from beha2vec.enriched_pages")
                connection.execute("insert into beha2vec.enriched_pages by name select * from enriched")
                connection.execute("delete from cache.enriched_pages_unpublished")
                if text_version:
                    connection.execute("delete from cache.text_vectors where model_version <> ?", [text_version])

    def vectors(self, model_version: str, hashes: list[str]) -> dict[str, bytes]:
        """Vectors that are there, as bytes, by text hash."""
        with self._connect("pages: read vectors") as connection:
            connection.register("asked", pd.DataFrame({"text_hash": hashes}, dtype=object))
            rows = connection.execute(
                """select text_hash, vector from cache.text_vectors semi join asked using (text_hash)
                where model_version = ?""",
                [model_version],
            ).fetchall()
        return dict(rows)

    def keep_vectors(self, model_version: str, vectors: dict[str, bytes]) -> None:
        """Keep vectors by text hash."""
        frame = pd.DataFrame({"text_hash": list(vectors), "vector": list(vectors.values())}, dtype=object)
        with self._connect("pages: keep vectors") as connection:
            connection.register("fresh", frame.assign(model_version=model_version))
            connection.execute("insert or ignore into cache.text_vectors by name select * from fresh")


class CachedEmbedder:
    """An embedder that computes a text once in the life of its store.

    Vectors are rounded to float16, as they are stored, whether they come from the store or not.
    """

    def __init__(self, embedder: TextEncoder, store: PageStore | None) -> None:
        self.embedder = embedder
        self.store = store
        self.version = embedder.version
        self.computed = 0

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """See `Embedder.encode`."""
        distinct = {hashlib.sha256(text.encode()).hexdigest()[:32]: text for text in texts}
        stored = self.store.vectors(self.version, list(distinct)) if self.store else {}
        new = [text_hash for text_hash in distinct if text_hash not in stored]
        if new:
            self.computed += len(new)
            fresh = self.embedder.encode([distinct[text_hash] for text_hash in new]).astype(np.float16)
            kept = {text_hash: vector.tobytes() for text_hash, vector in zip(new, fresh, strict=True)}
            if self.store:
                self.store.keep_vectors(self.version, kept)
            stored |= kept
        by_text = {distinct[text_hash]: np.frombuffer(vector, np.float16) for text_hash, vector in stored.items()}
        return np.stack([by_text[text] for text in texts]).astype(np.float32)
