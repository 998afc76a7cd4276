"""Data in host memory: digits, tables, splits, weights, shifted images.

Everything here is NumPy. A data set goes to a device only after it was read
within bounds and checked row by row, so that no device sees a bad label.
"""

from .augment import center_of_mass, shift_images
from .checks import check_labels
from .dataset import Dataset, Splits, check_dataset, with_scale
from .digit_image import read_digit
from .idx import read_idx, read_images_and_labels, write_idx
from .image_files import is_image
from .mnist import load_mnist, nielsen_split, read_mnist
from .rows import MatrixRows
from .splitting import doubtful_count, random_split, split_validation, stratified_split
from .tables.columns import is_missing
from .tables.dialect import TextFormat
from .tables.preprocessing import Preprocessing
from .tables.reading import NOT_A_TABLE, is_table, read_for, read_table
from .tables.splits import check_options, read_splits
from .tables.table import Table
from .weights import class_weights, normalized_weights

__all__ = [
    "NOT_A_TABLE",
    "Dataset",
    "MatrixRows",
    "Preprocessing",
    "Splits",
    "Table",
    "TextFormat",
    "center_of_mass",
    "check_dataset",
    "check_labels",
    "check_options",
    "class_weights",
    "doubtful_count",
    "is_image",
    "is_missing",
    "is_table",
    "load_mnist",
    "nielsen_split",
    "normalized_weights",
    "random_split",
    "read_digit",
    "read_for",
    "read_idx",
    "read_images_and_labels",
    "read_mnist",
    "read_splits",
    "read_table",
    "shift_images",
    "split_validation",
    "stratified_split",
    "with_scale",
    "write_idx",
]
