"""From settings and data to a trained network, in a process of its own. Needs TensorFlow."""
