"""How good a model is. `evaluate.py` scores it and writes ``evaluation.json``.

Where a new metric goes: what follows from the confusion matrix into `class_metrics` or
`overall_metrics` (`confusion.py`); what needs the pixels of each image, as `boundary.py`, into
`evaluate.measure_image`. Intervals, tables and the command line's report then have it by its key.
"""
