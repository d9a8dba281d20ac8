"""Faces edited in age and gender: a StarGAN-type editor whose outputs are labelled edits of their originals."""
