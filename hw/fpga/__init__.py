"""The FPGAs: what a device has, and one file for each family of them with all that is peculiar to
it and to its tools.
"""
