"""The chat's tools as tools of the Model Context Protocol: the same answers, for a client with no screen of ours.

What the chat shows on a person's screen only (journeys of members, similar users, the most likely buyers) does not
exist here: the client is a program, and what it receives goes to its language model.
"""

import json
import logging
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread
from mcp.server import Server, ServerRequestContext
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

from beha2vec_core.chat.data.privacy import Aliases
from beha2vec_core.chat.data.sql import SqlLimits
from beha2vec_core.chat.model.tools import RESULTS_ARE_DATA, ROUNDED, Toolbox, ToolResult
from beha2vec_core.store.anonymous import MIN_USERS

CALLS_AT_ONCE = 4
_WAIT_SECONDS = 10.0  # for one of these to end
_log = logging.getLogger(__name__)
_INSTRUCTIONS = f"""What is known of the users of a website: clusters, facts about them, predictions, and SQL over
numbers of groups. Begin with list_clusters; for a number by a dimension or in a period with metric, and use sql only
for what it cannot answer.
- {RESULTS_ARE_DATA}
- Copy numbers as they are, money with its currency. Cite the ids of the facts you use, for example [c0.purchase_rate].
- {ROUNDED}
- Where a fact has "no clear difference", a difference may be chance. A difference is an association, not a cause.
- There are no single users: groups of fewer than {MIN_USERS} users are left out."""
_READ_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)


def make_toolbox(database: Path) -> Toolbox:
    """The tools for clients of the published database ``database``."""
    aliases = Aliases(database, named=False)
    return Toolbox(database, aliases, min_users=MIN_USERS, sql_limits=SqlLimits(), has_screen=False)


def make_server(toolbox: Toolbox) -> Server:
    """The server of these tools; at most `CALLS_AT_ONCE` calls run at once, each in a thread."""
    limiter = anyio.Semaphore(CALLS_AT_ONCE)

    async def list_tools(_: ServerRequestContext, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_as_tool(definition["function"]) for definition in toolbox.definitions])

    async def call_tool(_: ServerRequestContext, params: CallToolRequestParams) -> CallToolResult:
        with anyio.move_on_after(_WAIT_SECONDS) as waiting:
            await limiter.acquire()
        if waiting.cancelled_caught:
            return _as_result(_failure(f"{CALLS_AT_ONCE} other calls are running: ask again in a moment"))
        try:
            return _as_result(await to_thread.run_sync(_call, toolbox, params.name, params.arguments or {}))
        finally:
            limiter.release()

    return Server(
        "beha2vec",
        title="Beha2Vec",
        version=version("beha2vec"),
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _as_tool(function: dict[str, Any]) -> Tool:
    return Tool(
        name=function["name"],
        description=function["description"],
        input_schema=function["parameters"],
        annotations=_READ_ONLY,
    )


def _call(toolbox: Toolbox, name: str, arguments: dict[str, Any]) -> ToolResult:
    try:
        return toolbox.call(name, json.dumps(arguments))
    except Exception as error:  # of DuckDB, or a fault of ours: its message may hold what is not to be sent
        _log.error("the tool %r failed: %s", name[:60], type(error).__name__)
        return _failure("the look-up failed: try another tool, or publish again with beha2vec materialize")


def _failure(reason: str) -> ToolResult:
    return ToolResult({"error": reason}, failed=True)


def _as_result(result: ToolResult) -> CallToolResult:
    """The data as a JSON document, and again as its text for clients that read text only."""
    return CallToolResult(
        content=[TextContent(text=result.message)],
        structured_content=json.loads(result.message),
        is_error=result.failed,
    )
