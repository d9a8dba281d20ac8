"""Fit the likelihood ratio of one analyzer's measures, split by source, and write forensics/calibration/<name>.json.

    python benchmarks/calibrate.py NAME --data DIR --features a,b --signs 1,1 [--planted splice|copy_move|removal|...]

DIR has `train/real/**`, whose photos are the untouched side. The manipulated side is planted in the same photos, and
both sides go through one and the same JPEG chain, so that the container tells nothing. Half of the sources fit, the other
half judge; then both change places; the shipped file is fitted on all. `eval` is never read.
"""
