"""The commands of ``python -m hw``, one file each."""
