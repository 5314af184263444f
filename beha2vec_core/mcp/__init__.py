"""The Model Context Protocol server: assistants such as Claude or Cursor query the published database with tools.

What belongs here: ``server`` (the chat's tools as MCP tools) and ``transports`` (stdio, HTTP with a token). What does
not: the tools and what they may send, which are the chat's (``chat.tools``, ``chat.privacy``, ``chat.sql_rules``).
"""
