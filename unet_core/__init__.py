"""U-Nets for image segmentation: build, train, evaluate, predict.

The package is in two halves. *Light* modules (numpy, pillow, onnxruntime) may be imported by the
web process; *heavy* ones (``models``, ``training``, ``export``) import Keras and belong to the
training process and the command line.
"""
