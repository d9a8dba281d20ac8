"""What is decided about files that say where they come from: generator tags found, C2PA manifests judged by code.

    python benchmarks/provenance_table.py --data DIR

DIR has `provenance/ai_metadata` (pictures with generator tags; those named `empty` have none), `provenance/exif` and
`provenance/heic_avif_webp` (camera and plain files: controls) and `provenance/c2pa`. Prints Markdown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.engine_table import share
from forensics.analyzers.metadata import Metadata
from forensics.analyzers.provenance import Provenance
from forensics.errors import MediaError
from forensics.finding import Finding
from forensics.media import Media
from forensics.settings import ScanSettings

SETTINGS = ScanSettings()
TEXT = {".py", ".txt", ".rst", ".pem", ""}
"""Files that come along with the media."""


def media_files(*folders: Path) -> Iterator[Path]:
    """Media files below folders, in order."""
    for folder in folders:
        yield from sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() not in TEXT)


def tagged(paths: Iterable[Path]) -> str:
    """Share of the readable files in which the metadata analyzer names a generator, and which it does not."""
    analyzer, flagged, n = Metadata(SETTINGS), 0, 0
    for path in paths:
        try:
            media = Media.open(path)
        except MediaError as error:
            print(f"not read: {path.name}: {error}", file=sys.stderr)
            continue
        n += 1
        flagged += any((f.llr or 0) >= SETTINGS.likely_llr for f in analyzer.examine(media))
    return share(flagged, n)


def decision(path: Path, analyzer: Provenance) -> tuple[str, str, str]:
    """Failed checks, summary and ratio for one file."""
    try:
        media = Media.open(path)
        reason = analyzer.skip_reason(media)
        findings = [] if reason else list(analyzer.examine(media))
    except MediaError as error:
        return "-", f"not examined: {error}", "-"
    if reason:
        return "-", reason, "-"
    ratios = [f"{f.llr:+.1f}" for f in findings if f.llr is not None]
    return _codes(findings), " ".join(f.summary for f in findings), ", ".join(ratios) or "none"


def _codes(findings: Iterable[Finding]) -> str:
    """Checks of the manifest itself that failed; those of its ingredients are marked."""
    codes: dict[str, None] = {}
    for label, text in (row for f in findings for row in f.details):
        if label in ("failed check", "trust"):
            codes[text] = None
        elif label == "failed check of an ingredient":
            codes[f"({text})"] = None
    return ", ".join(codes) or "none"


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--data", type=Path, required=True)
    home = cli.parse_args().data / "provenance"
    files = list(media_files(home / "ai_metadata"))
    controls = [p for p in files if p.stem == "empty"]
    others = list(media_files(home / "exif", home / "heic_avif_webp"))
    print("| files | a generator is named |\n| --- | --- |")
    print(f"| ai_metadata, marked | {tagged(p for p in files if p not in controls)} |")
    print(f"| ai_metadata, controls | {tagged(controls)} |")
    print(f"| exif and heic_avif_webp, controls | {tagged(others)} |")
    print("\n| file | failed checks | what is said | llr |\n| --- | --- | --- | --- |")
    analyzer = Provenance(SETTINGS)
    for path in media_files(home / "c2pa" / "made", home / "c2pa" / "c2pa-rs"):
        print(f"| {path.parent.name}/{path.name} | " + " | ".join(decision(path, analyzer)) + " |")


if __name__ == "__main__":
    main()
