"""The corridor a message walks from a socket to its reply. Imports no numpy, librosa or TensorFlow."""
