"""Who may see the explorer: everyone who can reach it, unless it requires a password or a reverse proxy's header."""

from __future__ import annotations

import hmac
import time
from threading import Lock

import streamlit as st

from beha2vec_core.settings import Settings

_SIGNED_IN = "_signed_in"
_WAIT_SECONDS = 1.0
_guessing = Lock()  # one wrong password a second, however many sessions try


def require_access(settings: Settings) -> None:
    """Let the run go on for those who may see the page; end it for others, before anything is read.

    With ``explorer_auth_header`` each request must carry the header, set by a reverse proxy that has signed the person
    in; with ``explorer_password`` each session asks for it once. With both, both.
    """
    header, password = settings.explorer_auth_header, settings.explorer_password
    if header is not None and not st.context.headers.get(header, "").strip():
        st.error("You are not signed in. This page is reached through your team's sign-in address.")
        st.stop()
    if password is None or st.session_state.get(_SIGNED_IN):
        return
    st.title("Beha2Vec explorer")
    with st.form("sign_in", width=360):
        given = st.text_input("Password", type="password", autocomplete="current-password")
        asked = st.form_submit_button("Sign in")
    if asked:
        if _is(given, password.get_secret_value()):
            st.session_state[_SIGNED_IN] = True
            st.rerun()
        st.error("This is not the password.")
    st.stop()


def _is(given: str, password: str) -> bool:
    with _guessing:
        right = hmac.compare_digest(given.encode(), password.encode())
        if not right:
            time.sleep(_WAIT_SECONDS)
    return right
