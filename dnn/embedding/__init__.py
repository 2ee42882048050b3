"""Units of layers: those that say the same become one, and one becomes several, at the same function."""
