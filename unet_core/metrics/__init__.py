"""How good a mask is, and how good a run."""
