"""Architectures: multilayer perceptrons, convolutional networks, a transformer, a network of skills."""
