"""The explorer as an ASGI app: Streamlit's, behind the sign-in of the proxy, with the headers that keep others out."""

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import App

from beha2vec_core.settings import Settings

# Streamlit and Plotly draw with inline styles and scripts, and Plotly compiles its WebGL code. Pictures, requests and
# frames of other sites are refused, whatever a text of the data or of a model says.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_HEALTH, _METRICS = "/_stcore/health", "/_stcore/metrics"


class Guard:
    """Refuses requests without the proxy's header, closes the metrics where they have no sign-in, adds the headers."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._sign_in = settings.explorer.auth_header
        # a password is asked for inside the page, where the metrics are not
        self._has_metrics = self._sign_in is not None or settings.explorer.password is None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        path = scope["path"].rstrip("/")
        if self._sign_in and path != _HEALTH and not Headers(scope=scope).get(self._sign_in, "").strip():
            refusal = PlainTextResponse("Sign in through your team's address.", status_code=401)
            await refusal(scope, receive, with_headers)
        elif path == _METRICS and not self._has_metrics:
            await PlainTextResponse("Not found", status_code=404)(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)


app = App(Path(__file__).with_name("app.py"), middleware=[Middleware(Guard, settings=Settings.load())])
