"""User: what one user did, where they stand, who is like them, what probably comes next."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
import streamlit as st

from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.explorer import page, tables
from beha2vec_core.explorer.charts import user as charts
from beha2vec_core.explorer.data import clusters, predictions
from beha2vec_core.explorer.data import user as data
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_html, shown
from beha2vec_core.explorer.views import audience_form, parts
from beha2vec_core.predictions.wording import does

_LONGEST_KEY = 128
_LISTED = 200  # steps of a journey, as a table
_SENT = 20  # changes


def render(published: Published) -> None:
    """Show the page."""
    if (asked := page.asked_for("user")) is not None:
        st.session_state["user"] = asked[:_LONGEST_KEY]
    # others are published as hashes, or not at all
    with_ga4 = page.settings().privacy.publish_identifiers == "plain"
    label = "User key, or GA4's user_pseudo_id or user_id" if with_ga4 else "User key"
    typed = st.text_input(label, max_chars=_LONGEST_KEY, width=420, key="user")
    if not (typed := typed.strip()):
        st.write("Paste an id, or click a user on the map.")
        return
    user_key = published.ask(data.key_of, typed)
    page.now_shown("user", user_key)
    with page.or_empty():
        found = published.ask(data.about, user_key)
        if found is None:
            unpublished = " Or the user is not in the published sample." if published.sample else ""
            st.warning(f"No user has this id. Check for spaces or missing characters.{unpublished}")
            return
        # without any clusters their names cannot be read, but the user still has facts
        _facts(found, {} if found["cluster_key"] is None else clusters.names(published))
    for part in (_predictions, _sent, _journey, _cluster_days, _nearest, _next_pages):
        with page.or_empty():
            part(published, user_key)


def _facts(found: dict[str, Any], names: dict[int, str]) -> None:
    key = found["cluster_key"]
    with st.container(horizontal=True):
        for label, value in (
            ("Sessions", f"{found['sessions']:,}"),
            ("Page views", f"{found['page_views']:,}"),
            ("Purchases", f"{found['purchases']:,}"),
            ("Revenue", data.revenue(found)),
        ):
            st.metric(label, value, width=150 if label != "Revenue" else 240)
    rows = {
        "Cluster": data.cluster(found, names),
        "First seen": page.local(found["first_seen_at"]),
        "Last seen": page.local(found["last_seen_at"]),
        "First user source / medium": " / ".join(
            str(found[name] or "unknown") for name in ("first_user_source", "first_user_medium")
        ),
        "Device": ", ".join(str(found[n]) for n in ("device_category", "browser", "operating_system") if found[n]),
        "Country": found["country"] or "unknown",
    }
    times = f"Times in {page.settings().export.tz.key}"
    page.table({"": rows, times: [shown(value, 80) for value in rows.values()]})
    if pd.notna(key) and st.button("Look at the cluster"):
        parts.open_view("clusters", cluster=str(int(key)))


def _predictions(published: Published, user_key: str) -> None:
    st.header("Predictions")
    found = published.ask(predictions.of_user, user_key)
    if found.empty:
        lately = page.settings().predictions.population_days
        st.write(f"There are no scores of this user: they were not seen in the {lately} days before the last date.")
        return
    currency, tested = published.ask(predictions.currency), published.ask(predictions.choices)
    page.table(
        {
            "Will": [shown(does(target), 60) for target in found["target"]],
            "within": [
                f"{days} days" + ("" if days in tested[target].tested else " (not tested)")
                for target, days in zip(found["target"], found["horizon"], strict=True)
            ],
            "Probability": tables.shares(found["probability"]),
            "90% interval": tables.intervals(found["low"], found["high"]),
            "Tenth (1 = highest)": tables.numbers(found["decile"]),
            **parts.expected_revenue(found["value"], found["value"], currency),
            "Method": map(parts.method, found["method"]),
        }
    )
    _reasons(published, user_key, found)


def _reasons(published: Published, user_key: str, scores: pd.DataFrame) -> None:
    """Reasons of all targets; of those of the first decile only, where the model's file is not on this machine."""
    why = {row["target"]: row["reasons"] for row in scores.to_dict("records") if isinstance(row["reasons"], Iterable)}
    with page.or_empty():
        why |= published.ask(predictions.reasons, user_key, page.settings().storage.prediction_models_path)
    items = "".join(f"<li>{in_html(does(one), 60)}: {in_html(parts.reasons(why[one]), 300)}</li>" for one in why)
    if items:
        page.write(f"<p>What raises the probability most (the larger the number, the more):</p><ul>{items}</ul>")


def _sent(published: Published, user_key: str) -> None:
    """What was sent about the user, where anything is sent at all."""
    settings = page.settings()
    try:
        ledger = settings.storage.ledger_path
        if not ledger.exists():
            return
        st.header("Sent to")
        if settings.privacy.publish_identifiers != "plain":  # the ledger has other keys
            page.write(f'<p class="b2v-quiet">{in_html(f"beha2vec sent --user {user_key} shows it.", 300)}</p>')
            return
        found = published.ask(data.sent, user_key, ledger, ledger.stat().st_mtime_ns)
    except (ActivationError, OSError) as error:
        st.error(audience_form.words(error))
        return
    if found.empty:
        st.write("Nothing was sent about this user.")
        return
    newest = found.head(_SENT)
    reasons = [f" ({reason})" if reason else "" for reason in newest["reason"]]
    page.table(
        {
            f"Time in {settings.export.tz.key}": [page.local(moment) for moment in newest["at"]],
            "To": newest["destination"],
            "Audience": newest["audience"],
            "Change": newest["change"],
            "Outcome": [shown(text, 120) for text in newest["outcome"] + reasons],
        }
    )
    if len(found) > _SENT:
        st.caption(f"The newest {_SENT} of {len(found):,}.")


def _journey(published: Published, user_key: str) -> None:
    st.header("Journey")
    sessions, events = published.ask(data.sessions, user_key), published.ask(data.events, user_key)
    if events.empty:
        st.write("There are no page views of this user.")
        return
    labels = [(row["session_key"], page.local(row["started_at"])) for row in sessions.to_dict("records")]
    with_steps = set(events["session_key"])
    events["time"] = [page.local(moment) for moment in events["at"]]
    figure = charts.journey(events, [one for one in labels if one[0] in with_steps], dark=page.is_dark())
    page.chart(figure, key="journey", alt="A row of marks for each session: the pages viewed, in order")
    with st.expander("The same as a table"):
        started = dict(labels)
        listed = events.head(_LISTED)
        page.table(
            {
                "Session": [started[key] for key in listed["session_key"]],
                "Step": tables.numbers(listed["step"]),
                "Event": listed["event_name"].str.replace("_", " "),
                "Page": [shown(title, 90) for title in listed["title"]],
                "Page type": listed["page_type"].fillna("").str.replace("_", " "),
            }
        )


def _cluster_days(published: Published, user_key: str) -> None:
    days = published.ask(data.cluster_days, user_key)
    if days.empty:
        return
    st.header("Clusters over time")
    figure = charts.cluster_days(days, clusters.names(published), dark=page.is_dark())
    page.chart(figure, key="cluster_days", alt="The user's cluster on each active day")


def _nearest(published: Published, user_key: str) -> None:
    st.header("Similar users")
    found, names = published.ask(data.nearest, user_key), clusters.names(published)
    if found.empty:
        st.write("This user has no vector: they have too few events.")
        return
    st.caption("By identity vector; users with too few events are excluded.")
    page.table(
        {
            "User": [f"{key[:8]}…" for key in found["user_key"]],
            "Cluster": parts.cluster_names(found["cluster_key"], names),
            "Similarity (1 = same)": tables.numbers(found["similarity"], "{:.2f}"),
            "Pages both viewed": map(_why, found["shared_pages"], found["pages"]),
        }
    )
    parts.choose_user(found["user_key"], key=f"near_{user_key}")


def _why(shared: int, pages: object) -> str:
    if not shared:
        return "none: similar page types and timing"
    titles = [shown(title, 50) for title in pages] if isinstance(pages, Iterable) else []
    return f"{shared}: " + "; ".join(titles) + (" …" if shared > len(titles) else "")


def _next_pages(published: Published, user_key: str) -> None:
    st.header("Predicted next pages")
    with st.spinner("Asking the encoder"):
        found = published.ask(data.next_pages, user_key, page.settings().storage.encoders_path)
    if found.empty:
        st.write("There are no events of this user.")
        return
    page.chart(
        charts.next_pages(found, dark=page.is_dark()), key="next_pages", alt="Bars: the most probable next pages"
    )
    st.caption("The current page is included, since users reload.")
