"""The book: pages that are executed, and what they are built with."""
