"""How a page is fetched without harm: whom to ask, at which address, how often, how much of the answer to take.

Belongs here: the parts of `beha2vec_core.pages.fetch`, one rule a module. Addresses, text and servers are written by
strangers; nothing of theirs is executed, followed unchecked or read without a bound.
"""

from importlib.util import find_spec

if _missing := [name for name in ("httpx", "protego", "trafilatura") if find_spec(name) is None]:
    raise ImportError(f"fetching pages needs {', '.join(_missing)}: pip install 'beha2vec[fetch]'")
