"""Results as SARIF 2.1.0 (OASIS), which code scanning and security dashboards read: one result a suspicious file.

Files of which nothing is to be told are counted in the properties of the run; a file that could not be examined is a
notification, as the standard wants it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO
from urllib.parse import quote

from forensics import __version__
from forensics.hostile_text import one_line
from forensics.verdict import Opinion

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

RULES: Mapping[Opinion, tuple[str, str, str]] = {
    Opinion.LIKELY_SYNTHETIC: ("likely-synthetic", "error", "A machine probably made this picture."),
    Opinion.LIKELY_MANIPULATED: ("likely-manipulated", "error", "This picture was probably altered."),
    Opinion.INCONCLUSIVE: ("inconclusive", "note", "What was found speaks neither way, or contradicts itself."),
}
"""Opinion -> rule, level, and what it says; *no trace found* is no result."""

MAX_TEXT = 1000


def write_sarif(lines: Iterable[Mapping[str, Any]], file: TextIO) -> int:
    """Write a log line by line: memory stays flat.

    Args:
        lines: of `results.jsonl`.
        file: open for text.

    Returns:
        Number of results.
    """
    rules = [
        {"id": rule, "shortDescription": {"text": text}, "defaultConfiguration": {"level": level}}
        for rule, level, text in RULES.values()
    ]
    driver = {"name": "unforged", "version": __version__, "rules": rules}
    file.write(f'{{"$schema": "{SCHEMA}", "version": "2.1.0", "runs": [{{"tool": {{"driver": {json.dumps(driver)}}},\n')
    file.write('"columnKind": "unicodeCodePoints", "results": [')
    n_results = n_failed = n_quiet = 0
    # They come after all results; of a broken disk there may be as many as there are files.
    with TemporaryFile("w+", encoding="utf-8") as failed:
        for line in lines:
            found = _result(line)
            if found is not None:
                file.write(f"{',' * (n_results > 0)}\n{json.dumps(found, allow_nan=False)}")
                n_results += 1
            elif line["status"] == "error":
                failed.write(f"{',' * (n_failed > 0)}\n{json.dumps(_notification(line))}")
                n_failed += 1
            else:
                n_quiet += line["status"] == "ok"
        failed.seek(0)
        file.write('],\n"invocations": [{"executionSuccessful": true, "toolExecutionNotifications": [')
        shutil.copyfileobj(failed, file)
    file.write(f']}}],\n"properties": {{"filesWithoutResult": {n_quiet}}}}}]}}\n')
    return n_results


def _result(line: Mapping[str, Any]) -> dict[str, Any] | None:
    rule = next((rule for opinion, rule in RULES.items() if line["verdict"] == str(opinion)), None)
    if rule is None:
        return None
    name, level, text = rule
    strongest = max(line["findings"], key=lambda finding: finding["llr"] or 0.0, default=None)
    why = f" {one_line(strongest['summary'], MAX_TEXT)}" if strongest is not None and strongest["llr"] else ""
    return {
        "ruleId": name,
        "level": level,
        "message": {"text": f"{text} Probability {line['probability']:.3f}.{why}"},
        "locations": [_location(line)],
        "partialFingerprints": {"sha256/v1": line["sha256"]},
        "properties": {
            "probability": line["probability"],
            "llr": line["llr"],
            "leading": line["leading"],
            "duplicateOf": line["duplicate_of"],
        },
    }


def _notification(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "level": "error",
        "descriptor": {"id": line["error_code"]},
        "message": {"text": one_line(line["error"], MAX_TEXT)},
        "locations": [_location(line)],
    }


def _location(line: Mapping[str, Any]) -> dict[str, Any]:
    path: str = line["path"]
    uri = f"file://{quote(path)}" if Path(path).is_absolute() else quote(path, safe="/:")
    return {"physicalLocation": {"artifactLocation": {"uri": uri}}}
