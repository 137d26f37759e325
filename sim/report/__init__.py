"""The figures of networks, as tables, JSON and pages."""
