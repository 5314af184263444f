"""How clients reach the server: by stdin and stdout of a process they start, or by HTTP with a token."""

import hmac
import signal
from ipaddress import ip_address

import anyio
import uvicorn
from mcp.server import Server
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl, SecretStr
from starlette.applications import Starlette

from beha2vec_core.explorer.launch import is_loopback
from beha2vec_core.settings import PREFIX
from beha2vec_core.settings.groups import Mcp

PATH = "/mcp"
_LOCAL = ("127.0.0.1", "localhost", "[::1]")
_MAX_BODY = 100_000  # bytes; the longest statement has 10,000 characters
_MAX_CONNECTIONS = 64


class HttpError(RuntimeError):
    """The server cannot listen; the message names the remedy."""


def serve_stdio(server: Server) -> None:
    """Answer on stdin and stdout until stdin ends."""

    async def serve() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    # Ctrl-C ends the process at once: a thread that waits for stdin cannot be interrupted, and nothing is left behind
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(serve)


def listen(app: Starlette, host: str, port: int) -> None:
    """Answer on ``host`` and ``port`` until the process is stopped."""
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MAX_CONNECTIONS,
    )


def http_app(server: Server, settings: Mcp, host: str, port: int) -> Starlette:
    """The web application: streamable HTTP at `PATH`, for requests with the token and a known Host and Origin.

    Raises:
        HttpError: there is no token, or no name to answer to.
    """
    if settings.token is None:
        raise HttpError(
            f"over HTTP, clients need a token: set {PREFIX}MCP_TOKEN, for example to the output of "
            'python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,  # tools keep no state, so there are no sessions to open or to steal
        max_request_body_size=_MAX_BODY,
        transport_security=_known_names(settings, host, port),
        # no OAuth: the issuer is a name that nothing asks for
        auth=AuthSettings(issuer_url=AnyHttpUrl("http://localhost"), resource_server_url=None),
        token_verifier=_OneToken(settings.token),
    )


def _known_names(settings: Mcp, host: str, port: int) -> TransportSecuritySettings:
    """The Host and Origin headers that are answered: a page of others cannot pretend to be this one (DNS rebinding)."""
    name = f"[{host}]" if ":" in host else host
    names = list(dict.fromkeys(settings.hosts or ((*_LOCAL, name) if is_loopback(host) else (name,))))
    if not settings.hosts and _is_every_address(host):
        raise HttpError(
            f"{host or 'an empty host'} is every address of this machine: set {PREFIX}MCP_HOSTS to the names by which "
            "clients reach it, for example mcp.shop.example"
        )
    hosts = [form for name in names for form in (name, f"{name}:{port}")]
    origins = [f"{scheme}://{form}" for form in hosts for scheme in ("http", "https")]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


def _is_every_address(host: str) -> bool:
    try:
        return not host or ip_address(host).is_unspecified
    except ValueError:
        return False


class _OneToken:
    """The SDK's verifier of bearer tokens, for the one token of the settings."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    async def verify_token(self, token: str) -> AccessToken | None:
        """The access that the token gives, if it is the one."""
        if not hmac.compare_digest(token.encode(), self._token.get_secret_value().encode()):
            return None
        return AccessToken(token="", client_id="mcp", scopes=[])
