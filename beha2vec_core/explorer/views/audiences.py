"""Audiences: those of the file with last night's sizes, the form to build one, comparisons, and what was sent."""

import streamlit as st

from beha2vec_core.activation.config import load_destinations
from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.activation.run import how_to_send, unnamed
from beha2vec_core.audiences.file import Audience, AudienceError, find_audience
from beha2vec_core.explorer import page, tables
from beha2vec_core.explorer.charts.profile import ALL_USERS
from beha2vec_core.explorer.data import audiences as data
from beha2vec_core.explorer.data import profile
from beha2vec_core.explorer.data.groups import MOST_COMPARED
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_chart, in_html, in_markdown, shown
from beha2vec_core.explorer.views import audience_form, parts
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.words import counted, day

_SENT_SHOWN = 50
_DRAFT = "the audience above"


def render(published: Published) -> None:
    """Show the page."""
    published.require("ga4.dim_ga4__users")
    published.require("ga4.dim_ga4__properties")
    audiences = audience_form.of_file()
    if audiences is None:
        return
    with page.or_empty():
        _listed(published, audiences)
    draft = audience_form.build(published, audiences)
    _compare(published, audiences, draft)
    _sent(published, audiences)


# -- the file ----------------------------------------------------------------------------------------------------------


def _listed(published: Published, audiences: data.Audiences) -> None:
    if not audiences:
        st.write("The file has no audiences yet. Build the first one below.")
        return
    for problem in published.ask(data.problems, audiences):
        st.warning(in_markdown(problem, 400))
    nights = published.ask(data.last_night)
    if nights.empty:
        st.caption("No members are written yet: the next nightly run writes them.")
    else:
        st.caption(f"Members on {day(nights['event_date'].iloc[0])}, and who entered and left since the night before.")
    rows = nights.set_index("audience").to_dict("index")
    headings = {"members": "Members", **data.STEPS, "contacted": "May be contacted"}
    headings |= {"entered": "Entered", "left": "Left"}
    counts = {
        heading: tables.Numbers(f"{rows[one.name][name]:,}" if one.name in rows else "–" for one in audiences)
        for name, heading in headings.items()
    }
    page.table({"Audience": map(_about, audiences), **counts})


def _about(one: Audience) -> tables.Markup:
    words = in_html(one.description or one.rule, 120)
    return tables.Markup(f'{in_html(one.name)} <span class="b2v-quiet">({one.purpose})<br>{words}</span>')


# -- compare -----------------------------------------------------------------------------------------------------------


def _compare(published: Published, audiences: data.Audiences, draft: audience_form.Draft | None) -> None:
    all_of_them = data.rules_of(audience_form.with_draft(audiences, draft) if draft else audiences)
    choices = {one.name: one for one in data.rules_of(audiences)}
    if draft is not None:
        choices = {_DRAFT: find_audience(list(all_of_them), draft.audience.name)} | choices
    if not choices:
        return
    st.header("What distinguishes an audience")
    with st.container(horizontal=True):
        page.forget_unless("audience_first", choices)
        first = st.selectbox("Audience", list(choices), format_func=shown, width=300, key="audience_first")
        others = [ALL_USERS, *(name for name in choices if name != first)]
        page.forget_unless("audience_second", others)
        second = st.selectbox("Compare with", others, format_func=shown, width=300, key="audience_second")
        family = st.selectbox("By", list(profile.FAMILIES), width=260, key=page.kept("audience_family"))
    try:
        with st.spinner("Comparing"):
            found = published.ask(data.beside, choices[first], choices.get(second), all_of_them)
    except AudienceError as error:
        st.error(audience_form.words(error))
        return
    notes = []
    if second != ALL_USERS:
        notes.append(f"{counted(found.both, 'user')} in both, who are left out.")
    if found.without_vector:
        notes.append(f"{counted(found.without_vector, 'member')} without a vector, who are left out too.")
    if max(found.users, found.others) > MOST_COMPARED:
        notes.append(f"Of more than {MOST_COMPARED:,} users a sample is compared.")
    if notes:
        st.caption(" ".join(notes))
    if found.facts.empty:
        st.write("There is nothing to compare: one of the groups has no users with a vector.")
        return
    beside = ALL_USERS if second == ALL_USERS else in_chart(second)
    facts = profile.in_words(published, found.facts)
    parts.over_index(facts, min(found.users, MOST_COMPARED), key="audience_profile", family=family, beside=beside)


# -- sent --------------------------------------------------------------------------------------------------------------


def _sent(published: Published, audiences: data.Audiences) -> None:
    """What was sent, and what a send would do. The explorer sends nothing, and has no secrets to do it."""
    settings = page.settings()
    st.header("Sent to other systems")
    try:
        ledger = settings.storage.ledger_path
        found = published.ask(data.sent, ledger, ledger.stat().st_mtime_ns if ledger.exists() else 0)
        destinations = [one.name for one in load_destinations(settings.activation.file)]
    except (ActivationError, OSError) as error:
        st.error(audience_form.words(error))
        return
    if found.empty:
        st.write("Nothing has been sent yet.")
    else:
        st.caption("By day (UTC). Who is left out is of the last send of the day; what was sent is of all of them.")
        newest = found.head(_SENT_SHOWN)
        page.table(
            {
                "Day": newest["day"].map(day),
                "Audience": newest["audience"],
                "To": newest["destination"],
                "Members": tables.numbers(newest["members"]),
                "Left out": newest["left_out"],
                "Sent": newest["sent"],
            }
        )
        if len(found) > _SENT_SHOWN:
            st.caption(f"The newest {_SENT_SHOWN} of {len(found):,}; beha2vec sent shows the others.")
    if not destinations or not audiences:
        st.caption("To send audiences, describe where to in a file of destinations (docs/activation.md).")
        return
    st.subheader("Plan a send")
    with st.form("plan", width=720), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Audience", [one.name for one in audiences], format_func=shown, width=260, key="plan_of")
        to = st.selectbox("Destination", destinations, format_func=shown, width=260, key="plan_to")
        asked = st.form_submit_button("Show the plan")
    if asked:
        _plan(published, find_audience(list(audiences), name), to)


def _plan(published: Published, audience: Audience, to: str) -> None:
    try:
        with st.spinner("Planning"):
            plan = data.plan(published, page.settings(), audience, to)
    except (ActivationError, PrivacyError, OSError) as error:
        st.error(audience_form.words(error))
        return
    if plan.day is None:
        st.info(f"{in_markdown(audience.name)} has no members yet: the next night writes them.")
    steps, left_out, users = zip(*data.plan_rows(plan), strict=True)
    page.table({"Step": steps, "Left out": tables.Numbers(left_out), "Users": tables.numbers(users)})
    if problem := unnamed(audience, to):
        page.write(f'<p class="b2v-quiet">{in_html(f"{to}: {problem}.", 300)}</p>')
    if plan.attributes:
        page.write(f'<p class="b2v-quiet">Sent of each: {in_html(", ".join(plan.attributes), 300)}.</p>')
    for note in plan.notes:
        page.write(f'<p class="b2v-quiet">{in_html(note, 300)}.</p>')
    if plan.stale:
        page.write(f'<p class="b2v-quiet">It is not sent: {in_html(plan.stale, 300)}.</p>')
    closing = how_to_send(plan, audience, to, *(["--stale"] if plan.stale else []))
    page.write(f'<p class="b2v-quiet">{in_html(closing, 300)}</p>')
