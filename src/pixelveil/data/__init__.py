"""Folders of images: encrypt, verify, decrypt, read, split. Format: ``spec/dataset-v1.md``."""

from pixelveil.data.decode import decode_image
from pixelveil.data.decrypt_folder import decrypt_folder
from pixelveil.data.describe import describe_folder
from pixelveil.data.encrypt_folder import FolderReport, encrypt_folder
from pixelveil.data.reader import ImageSet, open_images
from pixelveil.data.splits import Split, split_images
from pixelveil.data.storing import loss_of_folder
from pixelveil.data.verify_folder import find_faults, verify_folder

__all__ = [
    "FolderReport",
    "ImageSet",
    "Split",
    "decode_image",
    "decrypt_folder",
    "describe_folder",
    "encrypt_folder",
    "find_faults",
    "loss_of_folder",
    "open_images",
    "split_images",
    "verify_folder",
]
