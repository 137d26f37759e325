"""The commands of ``python -m train``, one file each."""
