"""A run as a page that predicts in its visitor's own browser."""
