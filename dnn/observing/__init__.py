"""Looking into any torch module while it trains: taps on its layers, quantities of them, a recorder for any loop."""
