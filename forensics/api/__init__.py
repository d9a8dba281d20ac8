"""The HTTP service: files in, an id out, reports when they are done. FastAPI is imported only here."""
