"""The boards: one row of a table and one pin file each, and the gateware that surrounds the machine
on them.
"""
