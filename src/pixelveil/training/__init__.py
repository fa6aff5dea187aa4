"""Training and evaluation of image classifiers, on plain and on encrypted images with the same code."""
