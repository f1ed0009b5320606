# SPDX-License-Identifier: Apache-2.0
"""The Model Context Protocol over standard input and output, by the official SDK.

The SDK takes the process's standard output for the protocol and turns what anything
else prints to standard error. Questions are answered one after the other: they share
an engine, and a second one would only wait for the machine.
"""

from typing import Any

import anyio
from anyio.to_thread import run_sync
from mcp import MCPError
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

from keys import __version__
from keys.strict import dumps_json
from trustacks.agents.bench import Bench
from trustacks.agents.tools import BY_NAME, TOOLS, ToolSpec, ask, refusal

_READS = ToolAnnotations(
    read_only_hint=True,
    destructive_hint=False,
    idempotent_hint=True,
    open_world_hint=False,
)


def serve(bench: Bench) -> None:
    """Serve one client until it closes our standard input."""
    anyio.run(_serve, bench)


async def _serve(bench: Bench) -> None:
    server = make_server(bench)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def make_server(bench: Bench) -> Server[Any]:
    """Return the server of one overlay."""
    one_at_a_time = anyio.Lock()

    async def list_tools(
        _context: Any, _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[_tool(tool) for tool in TOOLS])

    async def call_tool(_context: Any, params: CallToolRequestParams) -> CallToolResult:
        tool = BY_NAME.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"unknown tool {params.name[:80]!r}")
        async with one_at_a_time:
            return await run_sync(_answer, bench, tool, params.arguments or {})

    return Server(
        "trustacks",
        version=__version__,
        instructions=(
            "Policy rules in Rego that only add denies. Test and lint a rule here; a "
            "person signs it with `trustacks rule sign`."
        ),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _tool(tool: ToolSpec) -> Tool:
    return Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.schema,
        annotations=_READS,
    )


def _answer(bench: Bench, tool: ToolSpec, arguments: dict[str, Any]) -> CallToolResult:
    """Ask a tool; whatever it raises is the answer, and the server lives on."""
    try:
        return _result(ask(bench, tool, arguments))
    except Exception as error:  # noqa: BLE001 - the boundary
        return _result(refusal(error), refused=True)


def _result(value: dict[str, Any], *, refused: bool = False) -> CallToolResult:
    text = TextContent(type="text", text=dumps_json(value).decode())
    return CallToolResult(content=[text], structured_content=value, is_error=refused)
