"""Promote: keep the candidate with its lineage, let it stand if the gate said so, and write the record of the round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from detectors.lineage import Lineage, Version
from detectors.race.contender import Newcomers
from detectors.race.context import Round
from detectors.race.folder import now, read_json, write_json
from detectors.race.forging import fakes_of, write_png
from detectors.race.gathering import GATHERED, LEFT, NEW, PHOTOS, Block, learnable, remembered
from detectors.race.judging import CANDIDATE, DECIDED, judged_of
from detectors.race.photos import JUDGE
from detectors.race.records import LOG, RoundRecord, parse_record, read_log
from detectors.race.retraining import calibrated_by
from detectors.race.settings import SELECTIVE
from generators.images import Pixels
from generators.sheet import contact_sheet
from generators.weights import ModelCard
from generators.whole_files import write_whole

KEPT = "kept.json"

N_COLUMNS, N_ROWS, TILE_PX = 8, 3, 128
"""Of a sheet of fakes."""


def promote(round_: Round) -> None:
    """Keep, promote and record; done twice, it is done once.

    Raises:
        ValueError: the version that the round attacked is gone.
        OSError: the disk is full, or a folder not writable.
    """
    decided = read_json(round_.path / DECIDED)
    version = _kept(round_)
    stands = round_.registry.promoted(version.name).version
    if decided["promoted"] and stands != version.version:
        reason = f"round {round_.number} of the race {round_.name}: {decided['reasons'][0]}"
        round_.registry.promote(version.name, version.version, by="race", reason=reason)
    record = record_of(round_, version.version)
    earlier = [r for r in read_log(round_.folder.root) if r.number != round_.number]
    lines = [r.line() for r in sorted([*earlier, record], key=lambda r: r.number)]
    write_whole(round_.folder.root / LOG, ("\n".join(lines) + "\n").encode())
    _sheets(round_)


def record_of(round_: Round, version: str) -> RoundRecord:
    """The record of a round whose steps are all over but the last."""
    judged, decided = judged_of(round_), read_json(round_.path / DECIDED)

    def named(by_version: dict[str, object]) -> dict[str, object]:
        return {version if name == CANDIDATE else name: value for name, value in by_version.items()}

    return parse_record(
        {
            "number": round_.number,
            "at": now(),
            "took_s": round_.folder.took_s(round_.number),
            "standing": round_.standing.version,
            "candidate": version,
            **judged,
            "matrix": named(judged["matrix"]),
            "false_positives": named(judged["false_positives"]),
            **decided,
            "data": read_json(round_.path / GATHERED)["sha256"],
        }
    )


def _kept(round_: Round) -> Version:
    """The candidate in the registry, also one that was refused: its record says why."""
    noted = round_.path / KEPT
    if noted.is_file():
        return round_.registry.version(round_.contender.name, read_json(noted)["version"])
    chosen, standing = calibrated_by(round_, round_.settings.defence), round_.standing
    blocks = [b for b in remembered(list(learnable(round_)), 0, round_.settings.seed) if b.role in (NEW, PHOTOS)]
    left = read_json(round_.path / LEFT)["left"] if round_.settings.defence == SELECTIVE else ()
    blocks = [block for block in blocks if block.name not in left]
    if round_.learned_until >= 0:
        # Photos were learned from in every round; they are remembered once.
        blocks = [block for block in blocks if block.role == NEW]
    tensors = round_.contender.renewed(standing.tensors, chosen.reading, chosen.llr_range, newcomers(blocks))
    card = replace(
        standing.card,
        data=dict(Counter(standing.card.data) + Counter({_title(block): len(block) for block in blocks})),
        settings={**standing.card.settings, "race": asdict(round_.settings), "round": round_.number},
        measures=_measures(round_),
        thresholds=chosen.thresholds,
        n_reals=chosen.n_reals,
        sets=chosen.sets,
    )
    version = round_.registry.add(round_.contender.name, tensors, card, _lineage(round_, card))
    write_json(noted, {"version": version.version})
    return version


def newcomers(blocks: Sequence[Block]) -> Newcomers:
    """What a version remembers of what it has learned from."""
    n_views = min(block.features.shape[1] for block in blocks)
    return Newcomers(
        features=np.concatenate([block.features[:, :n_views] for block in blocks]),
        labels=np.concatenate([block.labels for block in blocks]),
        sources=tuple(source for block in blocks for source in block.sources),
        generators=tuple(generator for block in blocks for generator in block.generators),
    )


def _title(block: Block) -> str:
    return f"{'fake' if block.labels[0] else 'real'}: {block.name}"


def _lineage(round_: Round, card: ModelCard) -> Lineage:
    return Lineage(
        parent=round_.standing.version,
        race=round_.name,
        round=round_.number,
        data=read_json(round_.path / GATHERED)["sha256"],
        settings=asdict(round_.settings),
        measures=dict(card.measures),
    )


def _measures(round_: Round) -> dict[str, float]:
    judged = judged_of(round_)
    cells, clean = judged["matrix"][CANDIDATE], judged["false_positives"][CANDIDATE]
    found = {
        f"{kind}, AUROC, n = {cell['auroc']['n']}": round(cell["auroc"]["value"], 4) for kind, cell in cells.items()
    }
    return found | {f"clean photos over the 5 % threshold, n = {clean['n']}": round(clean["value"], 4)}


def _sheets(round_: Round) -> None:
    """For each attack a sheet of some of its fakes, each beside the same one without the attack."""
    for kind in (kind for kind in round_.kinds if kind.attack):
        folder: Path = round_.path / kind.slug / JUDGE
        pairs = list(zip(fakes_of(folder / "plain"), fakes_of(folder), strict=True))[: N_COLUMNS * N_ROWS // 2]
        tiles = [_enlarged(pixels) for (_, plain), (_, fake) in pairs for pixels in (plain, fake)]
        names = ("without", "attacking") * (N_COLUMNS // 2)
        sheet = contact_sheet(tiles, N_COLUMNS, side_px=TILE_PX, names=names[: len(tiles)])
        write_png(round_.path / f"{kind.attack}.png", sheet)


def _enlarged(pixels: Pixels) -> Pixels:
    """By a whole number, so that every pixel is seen as it is."""
    times = max(1, TILE_PX // max(pixels.shape[:2]))
    return np.ascontiguousarray(pixels.repeat(times, axis=0).repeat(times, axis=1))
