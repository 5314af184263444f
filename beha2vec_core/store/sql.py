"""Values and names as SQL, where a statement takes no parameter."""


def quote(value: object) -> str:
    """A SQL string."""
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A SQL name."""
    return '"' + name.replace('"', '""') + '"'
