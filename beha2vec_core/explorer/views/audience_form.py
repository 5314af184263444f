"""The form of the page of audiences: a rule built with help, tried, and saved to the file."""

from typing import Any, NamedTuple

import streamlit as st

from beha2vec_core.activation.destination import ActivationError
from beha2vec_core.audiences.file import Audience, AudienceError, audience_of, find_audience, load_audiences
from beha2vec_core.audiences.names import FUNCTIONS, WHOLE
from beha2vec_core.audiences.rule import users_of
from beha2vec_core.audiences.save import save_audience
from beha2vec_core.audiences.selection import Step, preview_key
from beha2vec_core.explorer import page, tables
from beha2vec_core.explorer.data import audiences as data
from beha2vec_core.explorer.published import Published
from beha2vec_core.explorer.text import in_html, in_markdown, shown
from beha2vec_core.explorer.views import parts
from beha2vec_core.privacy.key import PrivacyError
from beha2vec_core.store.sql import quote

_NEW = ""  # a new audience, in the list of what can be built
_ORIGINAL, _SAVED = "_audience_original", "_audience_saved"
_PURPOSES = {"analytics": "analytics", "ads": "ads: only users who consented to ads"}
_FIELDS: dict[str, Any] = {
    "name": "", "description": "", "rule": "", "exclude": "", "purpose": "analytics", "cap": None, "rank_by": "",
    "holdout": 0.0,
}  # fmt: skip
_NUMBERS, _TEXTS = (">=", "<=", "=", "<>", ">", "<"), ("is", "is not", "is like", "is not known")
_CONDITIONS = {"is true": "", "is not true": "not "}


class Draft(NamedTuple):
    """What the person is building, and what the file says of it; None: nothing yet."""

    audience: Audience
    original: Audience | None


def of_file() -> data.Audiences | None:
    """The audiences of the file; None, with words, where it cannot be read."""
    try:
        return tuple(load_audiences(page.settings().audiences.file))
    except AudienceError as error:
        st.error(words(error))
        return None


def build(published: Published, audiences: data.Audiences) -> Draft | None:
    """The form, and below it the size of what is built; None where it is no audience that can be used."""
    st.header("Build an audience")
    if done := st.session_state.pop(_SAVED, None):
        kind, said = done
        (st.success if kind == "saved" else st.error)(said)
    names = [_NEW, *(one.name for one in audiences)]
    rule = st.session_state.pop(page.BEGIN_AUDIENCE, None)
    if rule is not None:  # from the map, or a cluster
        st.session_state["audience_start"] = _NEW
        _fill(None)
        st.session_state["audience_rule"] = rule
    elif st.session_state.get("audience_start", _NEW) not in names:  # taken out of the file
        st.session_state["audience_start"] = _NEW
        _fill(None)
    for field, value in _FIELDS.items():
        st.session_state.setdefault(f"audience_{field}", value)
    start = st.selectbox(
        "Begin with",
        names,
        format_func=lambda name: shown(name) if name else "a new audience",
        width=320,
        key=page.kept("audience_start"),
        on_change=_start,
    )
    original: Audience | None = st.session_state.get(_ORIGINAL) if start else None
    with st.container(border=True, width=900):
        _condition(published, audiences)
        _fields()
    draft = _draft(original)
    if draft is None:
        return None
    all_of_them = with_draft(audiences, draft)
    try:
        steps = published.ask(data.preview, draft.audience, all_of_them, _secret())
    except AudienceError as error:
        st.error(words(error))
        return None
    _steps(steps)
    if len(audiences) > (1 if start else 0):
        _overlaps(published, draft.audience, all_of_them)
    try:
        _save(published, audiences, draft)
    except ActivationError as error:  # no ledger says where members are
        st.error(words(error))
    return draft


def _start() -> None:
    """Fill the form with the audience that was chosen, as the file has it now."""
    name = st.session_state["audience_start"]
    audiences = of_file() or ()
    _fill(find_audience(list(audiences), name) if name in {one.name for one in audiences} else None)


def _fill(audience: Audience | None) -> None:
    st.session_state[_ORIGINAL] = audience
    st.session_state.pop("audience_first", None)  # the one that is built is compared
    for field, value in _FIELDS.items():
        found = getattr(audience, field) if audience else value
        # texts that are not given are empty, and shares are percentages
        found = round(100 * found, 4) if field == "holdout" else "" if found is None and value == "" else found
        st.session_state[f"audience_{field}"] = found


def _fields() -> None:
    st.text_area(
        "Rule: who is in it",
        height=90,
        max_chars=5_000,
        placeholder="purchases > 0 and days_since_last_seen > 40",
        key=page.kept("audience_rule"),
    )
    left, right = st.columns(2)
    left.text_input(
        "Name",
        max_chars=40,
        placeholder="lost_customers",
        help="Lowercase letters, digits and _. With another name, other users are in the hold-out.",
        key=page.kept("audience_name"),
    )
    right.selectbox("Purpose", list(_PURPOSES), format_func=_PURPOSES.__getitem__, key=page.kept("audience_purpose"))
    st.text_area("What it is for", height=68, max_chars=1_000, key=page.kept("audience_description"))
    st.text_input("Who is not contacted (a rule)", max_chars=5_000, key=page.kept("audience_exclude"))
    left, middle, right = st.columns(3)
    left.number_input("At most this many users", 1, 100_000_000, placeholder="no limit", key=page.kept("audience_cap"))
    middle.text_input(
        "With a limit: those with the highest",
        max_chars=5_000,
        placeholder="expected_revenue(28)",
        key=page.kept("audience_rank_by"),
    )
    right.number_input(
        "Hold-out: never contacted (%)",
        0.0,
        90.0,
        step=1.0,
        format="%g",
        help="Comparing them with the others measures the effect.",
        key=page.kept("audience_holdout"),
    )


def _draft(original: Audience | None) -> Draft | None:
    """The audience of the fields; None, with words where that is no surprise, if it is none yet."""
    given = {field: st.session_state[f"audience_{field}"] for field in _FIELDS}
    if not given["rule"].strip():
        st.info("Write a rule, or add conditions to it.")
        return None
    texts = {field: given[field].strip() for field in ("rule", "description")}
    entry = (original.model_dump(by_alias=True) if original else {}) | given | texts
    entry |= {
        "name": given["name"].strip() or (original.name if original else "unnamed"),
        "holdout": round(given["holdout"] / 100, 6),
        "exclude": given["exclude"].strip() or None,
        "rank_by": given["rank_by"].strip() or None,
    }
    try:
        return Draft(audience_of(entry), original)
    except AudienceError as error:
        st.error(words(error))
        return None


def with_draft(audiences: data.Audiences, draft: Draft) -> data.Audiences:
    """The audiences of the file, as they would be with the draft."""
    name = (draft.original or draft.audience).name
    if name in {one.name for one in audiences}:
        return tuple(draft.audience if one.name == name else one for one in audiences)
    return (*audiences, draft.audience)


def _secret() -> bytes:
    try:
        return preview_key(page.settings().storage.data_dir)
    except (PrivacyError, OSError):  # the hold-out is as large, but of other users
        return bytes(32)


def _steps(steps: list[Step]) -> None:
    st.subheader("Size")
    left_out = tables.Numbers(f"-{step.left_out:,}" if step.left_out else "" for step in steps)
    users = tables.numbers(step.users for step in steps)
    page.table({"Step": [step.name for step in steps], "Left out": left_out, "Users": users})


def _overlaps(published: Published, draft: Audience, audiences: data.Audiences) -> None:
    (one,) = data.rules_of((draft,))
    found = published.ask(data.overlaps, one, data.rules_of(audiences))
    if found.empty:
        return
    st.subheader("Overlap with other audiences")
    page.table(
        {
            "Audience": found["audience"],
            "Its members": tables.numbers(found["users"]),
            "In both": tables.numbers(found["both"]),
            "Of this one": tables.shares(found["share"]),
            "Of the other": tables.shares(found["share_of_other"]),
        }
    )


def _save(published: Published, audiences: data.Audiences, draft: Draft) -> None:
    """What can be done with the draft: save it, or remove its audience; otherwise, why not."""
    file = in_markdown(page.settings().audiences.file.name)
    original = draft.original
    after = with_draft(audiences, draft)
    if original is None and not st.session_state["audience_name"].strip():
        st.caption("Give it a name to save it.")
    elif guard := _guard(audiences, draft):
        st.warning(guard)
        return
    elif draft.audience == original:
        st.caption(f"This is what {file} has.")
    elif (
        original and draft.audience.name != original.name and (sent_to := data.present(page.settings(), original.name))
    ):
        st.warning(
            f"It cannot have another name: members are at {in_markdown(', '.join(sent_to), 200)} under "
            f"{in_markdown(original.name)}. End it there first (docs/activation.md)."
        )
    elif not _show_broken(published, audiences, after):
        st.button(f"Save to {file}", type="primary", on_click=_saved, args=(draft,), key="audience_save")
    if original is not None:
        with st.popover(f"Remove from {file}"):
            without = tuple(one for one in audiences if one.name != original.name)
            if sent_to := data.present(page.settings(), original.name):
                st.warning(
                    f"Members are at {in_markdown(', '.join(sent_to), 200)}: end it there first (docs/activation.md)."
                )
            elif not _show_broken(published, audiences, without):
                st.write(f"All members of {in_markdown(original.name)} leave it with the next night.")
                st.button("Remove it", type="primary", on_click=_removed, args=(original,), key="audience_remove")


def _guard(audiences: data.Audiences, draft: Draft) -> str:
    """Why an audience is changed in the file only: the nightly run sends it, or another one that depends on it."""
    for one in (draft.original, draft.audience):
        to = [to.to for to in one.activate if to.send] if one else []
        if to:
            return (
                f"The nightly run sends this audience to {in_markdown(', '.join(to), 200)}: change it in the file, "
                "where others review it."
            )
    users = users_of(draft.original.name, audiences) if draft.original else []
    sent = [one.name for one in users if any(to.send for to in one.activate)]
    if not sent:
        return ""
    return (
        f"The nightly run sends {in_markdown(', '.join(sent), 200)}, whose members depend on this audience: change it "
        "in the file, where others review it."
    )


def _show_broken(published: Published, audiences: data.Audiences, after: data.Audiences) -> bool:
    """Show what would be wrong with other audiences that is not wrong now: they may use this one."""
    names = {one.name for one in after}
    if names >= {one.name for one in audiences} and len(after) > len(audiences):
        return False
    now = set(published.ask(data.problems, audiences))
    broken = [problem for problem in published.ask(data.problems, after) if problem not in now]
    for problem in broken:
        st.error(f"Another audience would no longer work: {in_markdown(problem, 300)}")
    return bool(broken)


def _saved(draft: Draft) -> None:
    name = in_markdown(draft.audience.name)
    said = f"Saved. From the next night on, audience\\_members has who is in {name}."
    _write(draft.audience, draft.original, said)


def _removed(audience: Audience) -> None:
    _write(None, audience, f"Removed {in_markdown(audience.name)}.")


def _write(audience: Audience | None, replaces: Audience | None, said: str) -> None:
    """Change the file, then fill the form with what was written."""
    try:
        save_audience(page.settings().audiences.file, audience, replaces)
    except AudienceError as error:
        st.session_state[_SAVED] = ("refused", words(error))
        return
    st.session_state["audience_start"] = audience.name if audience else _NEW
    _fill(audience)
    st.session_state[_SAVED] = ("saved", said)


# -- a condition -------------------------------------------------------------------------------------------------------


def _condition(published: Published, audiences: data.Audiences) -> None:
    """Help to write a condition: a name, what it is compared with, and how it is added to the rule."""
    names = published.ask(data.described)
    chosen = st.selectbox(
        "Add a condition on",
        list(names),
        format_func=lambda name: shown(f"{name}: {names[name]}" if names[name] else name, 110),
        index=None,
        key="condition_name",
    )
    if chosen is None:
        return
    function = chosen.partition("(")[0] if chosen.endswith(")") else ""
    written = _call(published, audiences, function) if function else _of_column(published, chosen)
    if written is None:
        return
    page.write(f"<p><code>{in_html(written, 400)}</code></p>")
    with st.container(horizontal=True):
        for word in ("and", "or"):
            has_rule = bool(st.session_state.get("audience_rule", "").strip())
            if word == "and" or has_rule:
                label = f"Add with {word}" if has_rule else "Add to the rule"
                st.button(label, on_click=_add, args=(written, word), key=f"condition_{word}")


def _add(written: str, word: str) -> None:
    rule = st.session_state["audience_rule"].strip()
    if rule and word == "and" and " or " in f" {rule.lower()} ":
        rule = f"({rule})"
    st.session_state["audience_rule"] = f"{rule} {word} {written}" if rule else written


def _of_column(published: Published, name: str) -> str | None:
    column = published.ask(data.column, name)
    if column is None:
        return None
    if column.kind == "BOOLEAN":
        return _yes_or_no(name, f"{name}")
    if column.kind == "VARCHAR":
        return _of_text(published, name)
    with st.container(horizontal=True):
        sign = st.selectbox("Comparison", _NUMBERS, width=130, key=f"condition_sign_{name}")
        if column.kind == "DATE" or column.kind.startswith("TIMESTAMP"):
            when = st.date_input("Day", value=None, width=180, key=f"condition_day_{name}")
            return f"{name} {sign} '{when.isoformat()}'" if when else None
        value = st.number_input("Number", value=None, width=180, format="%g", key=f"condition_number_{name}")
    return None if value is None else f"{name} {sign} {value:.12g}"


def _of_text(published: Published, name: str) -> str | None:
    with st.container(horizontal=True):
        sign = st.selectbox("Comparison", _TEXTS, width=150, key=f"condition_sign_{name}")
        if sign == "is not known":
            return f"{name} is null"
        if sign == "is like":
            pattern = st.text_input("Pattern", placeholder="%winter%", width=300, key=f"condition_like_{name}")
            return f"{name} like {quote(pattern)}" if pattern else None
        values = published.ask(data.values, name)
        chosen = st.multiselect("Values", values, format_func=lambda one: shown(one, 60), key=f"condition_in_{name}")
    if not chosen:
        return None
    literals = ", ".join(quote(one) for one in chosen)
    if len(chosen) == 1:
        return f"{name} {'=' if sign == 'is' else '<>'} {literals}"
    return f"{name} {'' if sign == 'is' else 'not '}in ({literals})"


def _call(published: Published, audiences: data.Audiences, name: str) -> str | None:
    """A call of a function, compared with a number where it gives one."""
    function = FUNCTIONS[name]
    written: list[str] = []
    before: list[tuple[str, str]] = []
    with st.container(horizontal=True):
        for argument in function.arguments:
            key = f"condition_{name}_{argument}"
            label = argument.replace("_", " ").capitalize()
            known: list[str] | None = [one.name for one in audiences]
            if argument != "audience":
                known = published.ask(data.known, name, argument, tuple(before))
            if known is not None:
                value = st.selectbox(label, known, format_func=lambda one: shown(one, 60), width=260, key=key)
            elif argument in WHOLE:
                value = str(
                    st.number_input(label, 1, 1_000_000, 500 if argument == "users" else 28, width=140, key=key)
                )
            else:
                value = st.text_input(label, placeholder="/sale/%" if argument == "pattern" else "", key=key)
            if not value:
                return None
            literal = value if argument in WHOLE else quote(value)
            written.append(literal)
            before.append((argument, literal))
        call = f"{name}({', '.join(written)})"
        if function.gives != "condition":
            sign = st.selectbox("Comparison", _NUMBERS, width=130, key=f"condition_sign_{name}")
            compared = st.number_input("Number", value=None, format="%g", width=180, key=f"condition_number_{name}")
            return None if compared is None else f"{call} {sign} {compared:.12g}"
    return _yes_or_no(name, call)


def _yes_or_no(name: str, written: str) -> str:
    chosen = st.segmented_control(
        "Condition", list(_CONDITIONS), default="is true", required=True, key=f"condition_yes_{name}"
    )
    return f"{_CONDITIONS[chosen]}{written}"


def words(error: Exception) -> str:
    """A message for Markdown, without the folders of the files."""
    settings = page.settings()
    files = (settings.audiences.file, settings.activation.file, settings.storage.ledger_path)
    return in_markdown(parts.without_folders(error, *files), 500)
