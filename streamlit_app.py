"""U-Net Studio: `streamlit run streamlit_app.py`."""

import streamlit as st

ABOUT = """
**U-Net Studio** trains U-Nets, judges them and lets you watch. The code is under the MIT licence;
the shipped models learned from the Oxford-IIIT pets (CC BY-SA 4.0). Photos that you segment stay
in memory; pictures with masks that you add are kept on the machine that runs this app.
"""

st.set_page_config(
    page_title="U-Net Studio",
    page_icon=".streamlit/logo.svg",
    layout="wide",
    menu_items={"About": ABOUT},
)
st.logo(".streamlit/logo.svg", size="large")

page = st.navigation(
    [
        st.Page("pages/segment.py", title="Segment", icon=":material/pets:", default=True),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        st.Page("pages/curves.py", title="Curves", icon=":material/show_chart:"),
        st.Page("pages/evaluate.py", title="Evaluate", icon=":material/fact_check:"),
        st.Page("pages/architectures.py", title="Architectures", icon=":material/account_tree:"),
    ],
    position="top",
)
# Streamlit leaves so much room above a page that results slip below the screen's edge.
st.html("<style>[data-testid=stMainBlockContainer] { padding-top: 4.5rem; }</style>")
page.run()
