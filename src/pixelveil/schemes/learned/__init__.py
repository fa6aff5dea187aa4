"""Networks of the learned schemes, as functions of images and weights; PyTorch is imported when one runs."""
