"""The explorer: a web page over the published database, for people who look rather than read tables.

What belongs here, lower ones first: ``text`` (text of others made safe for each place it is shown in),
``published`` (the open file, and what was read of it), ``data`` (questions to it: a module a view, SQL in, frames
out), ``charts`` (frames in, Plotly figures out), ``tables`` (cells in, HTML out), ``views`` (a module a page,
Streamlit), ``access`` (who may see it), ``page`` (what all views use), ``app`` (the script Streamlit runs),
``launch`` (``beha2vec explore``), ``report`` (``beha2vec report``).
What does not: results. The explorer shows what the graph has published, and writes nothing but corrections
of pages and the file of audiences.

Only ``views``, ``access``, ``page`` and ``app`` know Streamlit.
"""
