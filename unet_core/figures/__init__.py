"""Plotly figures. Colours are those of Okabe and Ito, which colour-blind people tell apart."""
