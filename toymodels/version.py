"""The version of the suite, of all four packages alike."""

__version__ = "0.2.0"
