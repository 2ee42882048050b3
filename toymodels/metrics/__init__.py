"""One module per phenomenon, arrays in and plain numbers out: features (n, d), labels (n,), weight (K, d)."""
