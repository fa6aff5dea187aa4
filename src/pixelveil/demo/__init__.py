"""The whole main job once, on real images, with a report that says what it is worth."""
