"""One module a page, each with a function `render`. Thin: the work is done in `dashboard.backend`."""
