"""The script that Streamlit runs for each look at the explorer: who may see it, what is published, which view."""

import streamlit as st

from beha2vec_core.explorer import page
from beha2vec_core.explorer.access import require_access
from beha2vec_core.explorer.charts.theme import PALETTE
from beha2vec_core.explorer.views import pages
from beha2vec_core.store.published import NotPublishedError

# drawn here: Streamlit would fetch icons of its own from the internet
_ICON = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="5" cy="5" r="4" fill="{PALETTE[0]}"/>'
    f'<circle cx="12" cy="6" r="3" fill="{PALETTE[1]}"/><circle cx="8" cy="12" r="3.5" fill="{PALETTE[2]}"/></svg>'
)

st.set_page_config(page_title="Beha2Vec explorer", page_icon=_ICON, layout="wide")
require_access(page.settings())
page.style()
page.keep_choices()
try:
    sample = page.published().sample
except NotPublishedError:
    # without the path: readers of the page need not know where the data is
    st.info("Nothing is published yet. Materialize serving_database, then load this page again.")
    st.stop()
shown = st.navigation(pages())
if sample:
    st.warning(sample, icon=":material/filter_alt:")
shown.run()
