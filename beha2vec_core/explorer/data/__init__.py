"""Questions to the published database: a module a view; SQL in, frames out, no Streamlit and no figures.

Each function takes a `published.Published` first and is called through `Published.ask`, which remembers the answer for
as long as the file is the same one. Each query has a bound: a limit, or groups that do not grow with the users. What
has not been made yet raises `published.NothingYet`.
"""
