"""The commands of ``python -m sim``, one file each, and the options that all packages share."""
