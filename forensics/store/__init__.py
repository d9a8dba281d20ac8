"""Results that were kept: what was examined, when, with what result, and which pictures look alike."""

from forensics.store.opening import StoreError
from forensics.store.store import NearMatch, ScanRow, Store, default_url

__all__ = ["NearMatch", "ScanRow", "Store", "StoreError", "default_url"]
