"""Ground floor: makes fakes. Speaks arrays, knows neither files nor detectors."""
