"""Looking inside a network: tensors in, numbers out."""
