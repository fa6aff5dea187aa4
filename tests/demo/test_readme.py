"""The README's pictures are what they are called."""

import numpy as np
from PIL import Image

from pixelveil.demo.readme import write_pictures


def test_four_pictures(tmp_path):
    files = write_pictures(tmp_path / "pictures")
    assert [file.name for file in files] == ["plain.png", "encrypted.png", "decrypted.png", "wrong-key.png"]
    plain, encrypted, decrypted, wrong = (np.asarray(Image.open(file)) for file in files)
    assert plain.shape == (224, 224, 3)
    np.testing.assert_array_equal(plain, decrypted)
    assert (encrypted != plain).mean() > 0.9
    assert (wrong != plain).mean() > 0.9
