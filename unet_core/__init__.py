"""U-Nets for image segmentation: see, train and judge them.

A folder is a layer, and imports go down only: ``store`` (what a run is), ``architectures`` (what a
network is made of), ``prediction``, ``data``, ``metrics``, beside each other ``jobs``, ``figures``
and ``models``, then ``training`` and on top ``cli``. Keras and TensorFlow are imported by
``models`` and ``training`` alone, which the web process never loads.
"""

__version__ = "0.1.0"
