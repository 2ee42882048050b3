"""What is under every figure: what one is, how it is computed, stored and judged, the ledger and the gallery."""
