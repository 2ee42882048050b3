"""Tasks that a network is trained on: composite functions, modular addition, skills."""
