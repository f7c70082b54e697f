"""Plotly figures: learning curves, metrics, and networks drawn to scale."""
