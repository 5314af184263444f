"""``beha2vec mcp``: the results for assistants that speak the Model Context Protocol."""

from importlib.util import find_spec
from typing import Annotated

import typer

from beha2vec_core.cli import project
from beha2vec_core.cli.app import app, ended_by, fail, read_settings, require_results


@app.command()
def mcp(
    http: Annotated[
        bool, typer.Option("--http", help="Listen for clients with the token BEHA2VEC_MCP_TOKEN; default: stdio.")
    ] = False,
    host: Annotated[str, typer.Option(help="Address to listen on with --http; the default is local only.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port to listen on with --http.", min=1, max=65535)] = 8765,
) -> None:
    """Let assistants (Claude, Cursor, VS Code ...) query the results: an MCP server, read only. Needs the extra "mcp".

    No single user is sent, only groups of at least 20 users. Without --http, a client starts the command itself.
    """
    if find_spec("mcp") is None:
        fail("the MCP server needs mcp: pip install 'beha2vec[mcp]'")
    from beha2vec_core.mcp.server import make_server, make_toolbox
    from beha2vec_core.mcp.transports import PATH, HttpError, http_app, listen, serve_stdio

    settings = read_settings()
    require_results(settings.storage.serving_path)
    server = make_server(make_toolbox(settings.storage.serving_path))
    if not http:
        serve_stdio(server)
        return
    with ended_by(HttpError, project.ProjectError):
        web = http_app(server, settings.mcp, host, port)
        project.require_port(host, port)
    typer.echo(f"MCP over HTTP on {host}, port {port}, path {PATH}. Ctrl-C stops it.", err=True)
    listen(web, host, port)
