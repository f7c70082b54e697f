"""U-Net Studio: `streamlit run streamlit_app.py`."""

import streamlit as st

st.set_page_config(page_title="U-Net Studio", page_icon=".streamlit/logo.svg", layout="wide")
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
page.run()
