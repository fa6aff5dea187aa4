"""Attacks with known or chosen plain images: most keys follow from one or two of them, exactly."""
