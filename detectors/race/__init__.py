"""Rounds of generators against a detector: attack, forge, launder, gather, retrain, calibrate, judge, gate, promote."""
