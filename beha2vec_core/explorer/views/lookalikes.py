"""Look-alikes: give some users, get those most like them, how good that list is, and files of it."""

from collections.abc import Callable, Hashable
from typing import TypeVar

import pandas as pd
import streamlit as st

from beha2vec_core.explorer import page, tables
from beha2vec_core.explorer.charts import lookalikes as charts
from beha2vec_core.explorer.data import clusters
from beha2vec_core.explorer.data import lookalikes as data
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_html, shown
from beha2vec_core.explorer.views import parts
from beha2vec_core.lookalikes import (
    LEAST_SEEDS,
    HoldoutEstimate,
    Identifier,
    Method,
    Seeds,
    customer_match,
    identifiers,
    read_ids,
    to_csv,
)
from beha2vec_core.words import between, counted, number

T = TypeVar("T")

_LIST, _CLUSTER = "A list of users", "A cluster"
_SHOWN, _LISTED = 20, 100
_METHODS: dict[Method, str] = {
    "centroid": "similarity to the average of your users",
    "nearest": "similarity to the ten nearest of your users",
}
_IDENTIFIERS: dict[Identifier, str] = {
    "user_id": "unhashed login ids (header User ID)",
    "email": "login ids that are e-mail addresses, hashed (header Email)",
    "hashed": "login ids that are SHA-256 hashes of addresses (header Email)",
}


def render(published: Published) -> None:
    """Show the page."""
    st.write("Choose users you want more of. All other users are ranked by how similar their behavior is.")
    asked = _ask(published)
    if asked is None:
        return
    seeds, length, without = asked
    _who(seeds)
    if not seeds.user_keys:
        return
    key = (published.identity, *asked)
    try:
        with st.spinner("Evaluating the ranking on hidden users"):
            holdout = _once("holdout", key, lambda: data.estimate_holdout(published, *asked))
        method = holdout.method if holdout else "centroid"
        with st.spinner("Ranking all other users"):
            found = _once("best", key, lambda: data.best(published, seeds, method, length, without))
    except ValueError as error:  # no users are left to rank
        st.warning(shown(error, 200))
        return
    _how_good(holdout, method, len(found))
    _users(found, clusters.names(published))
    _files(found, published)


def _ask(published: Published) -> tuple[Seeds, int, bool] | None:
    """The seed users, the length of the list, and whether converters are left out; None until there are seed users."""
    source = st.segmented_control("Similar to", [_LIST, _CLUSTER], required=True, key=page.kept("look_source", _LIST))
    names = clusters.names(published)
    with st.form("lookalikes", width=720):
        if source == _CLUSTER:
            keys = sorted(key for key in names if key >= 0)
            page.forget_unless("look_cluster", keys)
            chosen = st.selectbox(
                "Cluster",
                keys,
                format_func=lambda key: shown(names[key], 60),
                index=None,
                key=page.kept("look_cluster"),
            )
        else:
            pasted = st.text_area(
                "Their ids, one per line",
                placeholder="user_key, user_pseudo_id (device) or user_id (login)",
                height=140,
                max_chars=2_000_000,
                key=page.kept("look_ids"),
            )
            file = st.file_uploader("Or a file (CSV or text; the first column is read)", ["csv", "txt", "tsv"])
        without = st.checkbox("Exclude users who have already converted", key=page.kept("look_converted"))
        length = int(
            st.number_input(
                "Users in the list", 10, data.LONGEST, step=100, width=220, key=page.kept("look_length", 500)
            )
        )
        is_asked = st.form_submit_button("Find look-alikes", type="primary")
    if source == _CLUSTER:
        if chosen is None:
            if is_asked:
                st.warning("Choose a cluster.")
            return None
        return published.ask(data.of_cluster, int(chosen)), length, without
    try:
        texts = [pasted, *([file.getvalue().decode("utf-8-sig")] if file else [])]
        ids = tuple(dict.fromkeys(one for text in texts for one in read_ids(text)))
    except UnicodeDecodeError:
        st.error("The file is not UTF-8 text. Save it as CSV (UTF-8), then load it again.")
        return None
    except ValueError as error:
        st.error(shown(error, 200))
        return None
    if not ids:
        if is_asked:
            st.warning("Enter at least one id, or choose a file.")
        return None
    return _once("seeds", (published.identity, ids), lambda: data.find(published, ids)), length, without


def _once(name: str, key: Hashable, make: Callable[[], T]) -> T:
    """What was made for the same question by the same person; only the last one is kept, lists can be long."""
    held = st.session_state.get(f"_look_{name}")
    if held is None or held[0] != key:
        held = st.session_state[f"_look_{name}"] = (key, make())
    made: T = held[1]
    return made


def _who(seeds: Seeds) -> None:
    if not seeds.user_keys:
        st.warning("None of these ids belongs to a user with a reliable vector. Use ids from the GA4 export.")
    else:
        page.write(f"<p><b>{counted(len(seeds.user_keys), 'seed user')}</b></p>")
    for ids, words in (
        (seeds.unknown, "Unknown ids"),
        (seeds.without_vector, "Known, but without a vector: no page views on the embedded days"),
        (seeds.too_little_evidence, "Known, but with too few events"),
    ):
        if ids:
            with st.expander(f"{words}: {len(ids):,}"):
                listed = "<br>".join(in_html(one, 60) for one in ids[:_LISTED])
                page.write(f"<p>{listed}</p>")
                if len(ids) > _LISTED:
                    st.caption(f"and {len(ids) - _LISTED:,} more")


def _how_good(holdout: HoldoutEstimate | None, method: Method, length: int) -> None:
    st.header("How good is the list?")
    if holdout is None:
        st.info(f"At least {LEAST_SEEDS} seed users are needed to evaluate the list.")
        return
    if not holdout.better_than_chance:
        st.warning(
            "No better than chance: hidden seed users rank no higher than other users. Their behavior has nothing in "
            "common, so treat this list as random."
        )
        return
    estimate = next((one for one in holdout.estimates if one.users == length), holdout.estimates[-1])
    precision, recall = (
        [number(getattr(estimate, name + end), "share") for end in ("", "_low", "_high")]
        for name in ("precision", "found")
    )
    st.write(holdout.in_words(estimate))
    with st.container(horizontal=True):
        for label, value, low, high, help_ in (
            (
                "Precision of the list",
                *precision,
                "Estimated share of the list that is similar to your users. Assumes that the very top of the ranking "
                "holds only similar users; if not, this is too high.",
            ),
            (
                "Better than chance",
                f"{estimate.lift:.1f} times",
                f"{estimate.lift_low:.1f}",
                f"{estimate.lift_high:.1f}",
                "How many more of the hidden users are in the list than in a random one of its length. Only assumes "
                "that your users are a fair sample.",
            ),
            ("Recall of the list", *recall, "Share of the hidden users that are in the list."),
            (
                "Similar users in total",
                counted(round(holdout.left), "user") if holdout.left >= 1 else "fewer than 1",
                f"{holdout.share_low * holdout.candidates:,.0f}",
                f"{holdout.share_high * holdout.candidates:,.0f}",
                "Estimated: a list much longer than this holds mostly others.",
            ),
        ):
            interval = f"95% interval: {between(low, high)}" if low != high else None
            st.metric(label, value, help=help_, width=230, delta=interval, delta_color="off", delta_arrow="off")
    page.chart(
        charts.lengths(holdout, estimate.users, dark=page.is_dark()),
        key="look_lengths",
        alt="Lines: estimated precision and share found, by length of the list",
    )
    st.caption(
        f"Ranked by {_METHODS[method]}, which found hidden users best. Five times, a fifth of your users was hidden "
        f"and ranked among {counted(holdout.candidates, 'other')}. These are estimates: measure a campaign against a "
        "random group."
    )


def _users(found: pd.DataFrame, names: dict[int, str]) -> None:
    st.header(f"The list (n = {counted(len(found), 'user')})")
    st.caption("Users with too few events are excluded.")
    top = found.head(_SHOWN)
    page.table(
        {
            "Rank": tables.numbers(top["rank"], "{}"),
            "User": map(parts.short_key, top["user_key"]),
            "Similarity (1 = same)": tables.numbers(top["score"], "{:.3f}"),
            "Cluster": parts.cluster_names(top["cluster_key"], names),
            "Events": tables.numbers(top["n_events"]),
        }
    )
    if len(found) > len(top):
        st.caption(f"The first {len(top)}; the files contain all.")
    parts.choose_user(top["user_key"], key="look")


def _files(found: pd.DataFrame, published: Published) -> None:
    st.header("Download")
    name = f"beha2vec_lookalikes_{len(found)}_users_{published.published_at:%Y-%m-%d}"
    with st.container(horizontal=True):
        parts.download("CSV", lambda: to_csv(found), f"{name}.csv")
        mime = "application/vnd.apache.parquet"
        parts.download("Parquet", lambda: found.to_parquet(index=False), f"{name}.parquet", mime)
    st.subheader("For Google Ads")
    consented = found[found["is_ads_consented"].eq(True)]
    st.caption(f"{counted(len(found) - len(consented), 'user')} left out: no consent to ads (`ads_consent_policy`).")
    counts = identifiers(consented["user_id"])
    kinds = [kind for kind, count in counts.items() if count]
    if not kinds:
        st.info(
            "Customer Match needs ids that Google can match. GA4's export has no e-mail addresses or phone "
            "numbers, and no user who consented to ads has logged in with a user_id."
        )
        return
    kind = kinds[0] if len(kinds) == 1 else st.radio("Send", kinds, format_func=_IDENTIFIERS.__getitem__, key="look_id")
    made = customer_match(consented["user_id"], kind)
    parts.download(f"Customer Match: {counted(made.rows, 'id')}", lambda: made.content, f"{name}_customer_match.csv")
    without_id = f"{made.left_out:,} of {counted(len(consented), 'user')} have no such id and cannot be matched."
    st.caption(f"The file has {_IDENTIFIERS[kind]}. {without_id}")
