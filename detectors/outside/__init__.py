"""Detectors from elsewhere: weights that a user brings, described by a card, run offline, silent until calibrated."""
