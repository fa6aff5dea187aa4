"""Data sets of the published tables: where they come from, and splits that share nothing between train and test."""

from pixelveil.data.sets.catalogue import DATA_SETS, DataSet, data_set
from pixelveil.data.sets.leaks import Leaks, find_leaks
from pixelveil.data.sets.load import SetImages, load_set

__all__ = ["DATA_SETS", "DataSet", "Leaks", "SetImages", "data_set", "find_leaks", "load_set"]
