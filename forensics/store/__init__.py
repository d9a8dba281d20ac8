"""Results that were kept: what was examined, when, with what result, and which pictures look alike."""

from forensics.store.store import NearMatch, ScanRow, Store, default_url

__all__ = ["NearMatch", "ScanRow", "Store", "default_url"]
