"""An image in, a mask out, without TensorFlow; and the ways to look at both."""
