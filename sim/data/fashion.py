"""Fashion-MNIST (Xiao 2017): MNIST's format, with clothes instead of digits."""

from pathlib import Path

from sim.data.idx import Arrays, read_folder
from sim.errors import InputError
from sim.files import AnyPath

CLASSES = (
    *("T-shirt", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


def read(folder: AnyPath | None) -> Arrays:
    """Read the four arrays from a folder of IDX files.

    :raises InputError: no folder, or missing, damaged or inconsistent files.
    """
    folder = None if folder is None else Path(folder)
    if folder is None:
        raise InputError(
            "data set 'fashion-mnist' is not downloaded; "
            "give the folder of its IDX files with --data DIR."
        )
    return read_folder(folder)
