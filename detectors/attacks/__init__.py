"""Ways to get fakes past a detector: tuned generators, searched parameters, perturbed pixels."""
