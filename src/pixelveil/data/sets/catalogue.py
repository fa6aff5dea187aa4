"""The data sets by name: what they are, where users get them, and what their published split is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pixelveil.errors import UsageError

__all__ = ["DATA_SETS", "DataSet", "data_set"]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set.

    Args:
        name: As commands take it.
        title: As pages name it.
        citation: Whose it is.
        origin: Where users get it; nothing is downloaded unless that is asked for.
        folder: File or folder that it has below the one that is given, if there is one.
        torchvision: Class of ``torchvision.datasets`` that downloads and checks it; empty where there is none.
        checksums: MD5 of official files by name, as their publishers print them; files of other names are not checked.
        classes: Names in the order of the labels; empty: those of the class folders, or numbers.
        group_column: Column of a CSV that tells copies of one picture; empty: they are found by hash.
        held_out: Values of that column that make the test side; empty: the set's own test side stays.
        weakness: Why an accuracy on the published split says little; empty where nothing is known against it.
    """

    name: str
    title: str
    citation: str
    origin: str
    folder: str = ""
    torchvision: str = ""
    checksums: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    classes: tuple[str, ...] = ()
    group_column: str = ""
    held_out: tuple[str, ...] = ()
    weakness: str = ""


_CIFAR = "Krizhevsky, Learning multiple layers of features from tiny images, technical report (2009)"
_CIFAR_COPIES = (
    "about 3 % of the test images have a near copy in training (Barz and Denzler, J. Imaging 6(6), 41, 2020)"
)

DATA_SETS: dict[str, DataSet] = {
    "afhq": DataSet(
        name="afhq",
        title="Animal faces (AFHQ)",
        citation="Choi, Uh, Yoo and Ha, StarGAN v2, CVPR (2020)",
        origin="github.com/clovaai/stargan-v2 has the download; class folders cat, dog, wild below train and val",
        folder="afhq",
    ),
    "brain-mri": DataSet(
        name="brain-mri",
        title="Brain tumor MRI",
        citation="Nickparvar, Brain Tumor MRI Dataset, Kaggle (2021)",
        origin="kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset; class folders below Training and Testing",
        folder="brain-mri",
        group_column="dup_group",
        weakness="a third of the test images have an exact or near copy among the training images",
    ),
    "cifar10": DataSet(
        name="cifar10",
        title="CIFAR-10",
        citation=_CIFAR,
        origin="downloaded by torchvision where asked: pixelveil experiment fetch cifar10 DIR",
        folder="cifar10.npz",
        torchvision="CIFAR10",
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        weakness=_CIFAR_COPIES,
    ),
    "cifar100": DataSet(
        name="cifar100",
        title="CIFAR-100",
        citation=_CIFAR,
        origin="downloaded by torchvision where asked: pixelveil experiment fetch cifar100 DIR",
        folder="cifar100.npz",
        torchvision="CIFAR100",
        weakness=_CIFAR_COPIES.replace("3 %", "10 %"),
    ),
    "imagefolder": DataSet(
        name="imagefolder",
        title="Class folders",
        citation="the user's own",
        origin="any folder of class folders, perhaps below train and test",
    ),
    "medmnist-npz": DataSet(
        name="medmnist-npz",
        title="MedMNIST",
        citation="Yang et al., MedMNIST v2, Scientific Data 10, 41 (2023)",
        origin="medmnist.com has the files; give one npz",
        checksums=MappingProxyType(
            {
                "bloodmnist.npz": "7053d0359d879ad8a5505303e11de1dc",
                "breastmnist.npz": "750601b1f35ba3300ea97c75c52ff8f6",
                "dermamnist.npz": "0744692d530f8e62ec473284d019b0c7",
                "octmnist.npz": "c68d92d5b585d8d81f7112f81e2d0842",
                "organamnist.npz": "866b832ed4eeba67bfb9edee1d5544e6",
                "organcmnist.npz": "0afa5834fb105f7705a7d93372119a21",
                "organsmnist.npz": "e5c39f1af030238290b9557d9503af9d",
                "pathmnist.npz": "a8b06965200029087d5bd730944a56c1",
                "pneumoniamnist.npz": "28209eda62fecd6e6a2d98b1501bb15f",
                "tissuemnist.npz": "ebe78ee8b05294063de985d821c1c34b",
            }
        ),
    ),
    "pcos-ultrasound": DataSet(
        name="pcos-ultrasound",
        title="PCOS ultrasound",
        citation="Choudhari, PCOS detection using ultrasound images, Kaggle (2022)",
        origin="kaggle.com/datasets/anaghachoudhari/pcos-detection-using-ultrasound-images; class folders",
        folder="pcos-ultrasound",
        group_column="source",
        held_out=("N4", "P3"),
        weakness="the whole set is eight photographs, augmented: nearly every test image has a sister in training",
    ),
}


def data_set(name: str) -> DataSet:
    """Return a data set by name.

    Raises:
        UsageError: There is none of that name.

    >>> data_set("cifar10").title
    'CIFAR-10'
    """
    if name not in DATA_SETS:
        raise UsageError(f"unknown data set {name!r}", hint=f"one of: {', '.join(DATA_SETS)}")
    return DATA_SETS[name]
