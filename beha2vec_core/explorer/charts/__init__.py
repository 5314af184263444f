"""Figures: a frame (from ``data``) in, a Plotly figure out; nothing is read or stored here, and no Streamlit.

The web page and the static report draw the same figures. Each axis says its unit, each share its n; what clusters are
shown in is their color, which depends on the key alone (`theme.color`). Text of others goes through `text.in_chart`.
"""
