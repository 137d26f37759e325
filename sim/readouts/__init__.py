"""When a sample is decided, and for which class."""
