"""Pages of the documentation that are made from the program's own declarations and from committed results."""
