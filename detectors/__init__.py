"""First floor: pixels to scores, and scores to calibrated likelihood ratios."""
