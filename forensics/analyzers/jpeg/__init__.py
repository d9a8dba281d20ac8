"""What JPEG coding leaves behind: tables, coefficients, the grid, and traces of an earlier coding."""
