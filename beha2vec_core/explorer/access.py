"""The explorer's password, asked for inside the page. (A proxy's sign-in is checked in `asgi`.)"""

import hmac
import time
from collections import defaultdict
from threading import Lock

import streamlit as st

from beha2vec_core.settings import Settings

_SIGNED_IN = "_signed_in"
_WAIT_SECONDS = 1.0
# one wrong password a second from an address, however many sessions try; others do not wait
_guessing: defaultdict[str, Lock] = defaultdict(Lock)


def require_access(settings: Settings) -> None:
    """Let the run go on for those who may see the page; end it for others, before anything is read.

    With ``explorer_password`` each session asks for it once.
    """
    password = settings.explorer.password
    if password is None or st.session_state.get(_SIGNED_IN):
        return
    st.title("Beha2Vec explorer")
    with st.form("sign_in", width=360):
        given = st.text_input("Password", type="password", autocomplete="current-password")
        asked = st.form_submit_button("Sign in")
    if asked:
        if _is(given, password.get_secret_value(), st.context.ip_address or ""):
            st.session_state[_SIGNED_IN] = True
            st.rerun()
        st.error("This is not the password.")
    st.stop()


def _is(given: str, password: str, address: str) -> bool:
    with _guessing[address]:
        right = hmac.compare_digest(given.encode(), password.encode())
        if not right:
            time.sleep(_WAIT_SECONDS)
    return right
