"""How a list of words becomes a pattern."""

import re
from functools import cache


@cache
def words(*alternatives: str) -> re.Pattern[str]:
    """Any of the alternatives (regular expressions) as whole words."""
    return re.compile(rf"(?<![\w-])(?:{'|'.join(alternatives)})(?!\w)", re.IGNORECASE)
