"""Judge and gate: the matrix of versions and kinds of fakes, how attacks did, and whether the candidate may stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.race import gate as gates
from detectors.race import judge as judges
from detectors.race.context import Round, threshold_logit
from detectors.race.folder import read_arrays, read_json, write_json
from detectors.race.forging import fakes_of, said_of
from detectors.race.gathering import LEFT, kind_path
from detectors.race.judge import JudgeSet, Kind, Readings, Rows, Version
from detectors.race.kinds import FakeKind, kinds_until
from detectors.race.known import KNOWN, UNSEEN
from detectors.race.laundering import WHOLE, has_faces, photo_features, photos_beside
from detectors.race.photos import JUDGE
from detectors.race.records import AttackRecord, DefenceRecord, read_log
from detectors.race.retraining import Calibrated, as_it_stands, calibrated_by
from detectors.race.settings import DEFENCES, SELECTIVE
from generators.images import Pixels

JUDGED, DECIDED = "judged.json", "decided.json"

CANDIDATE = "candidate"
"""What a candidate is called before the registry has given it a number."""

FACES = 100_000
"""Added to the side in the key of photos of faces, where these come from a folder of their own."""

KNOWN_PHOTOS = 0
"""Key of known photos of sources that nothing was learned from."""

MIN_FOR_FD = 20
"""Pictures of each set that FD-lite0 wants at least."""


def judge(round_: Round) -> None:
    """Judge the candidate, the standing version and the other ways of learning."""
    judged, standing, candidate = _compared(round_)
    calibrated = {name: calibrated_by(round_, name) for name in DEFENCES}
    rows = {readings.version: judges.row(readings) for readings in (standing, candidate)}
    best = judges.best_so_far([*_stood(round_), rows[standing.version]])
    attacking = [kind for kind in round_.kinds if kind.attack]
    attacks = round_.spread.map(_attack, round_.shared((kind, calibrated) for kind in attacking))
    defences = [_defence(round_, judged, best, name, calibrated[name]) for name in DEFENCES]
    write_json(
        round_.path / JUDGED,
        {
            "matrix": {name: {kind: asdict(cell) for kind, cell in row.items()} for name, row in rows.items()},
            "unseen": judged.unseen,
            "false_positives": {r.version: asdict(judges.false_positives(r)) for r in (standing, candidate)},
            "attacks": [asdict(attack) for attack in attacks],
            "defences": [asdict(defence) for defence in defences],
            "average": judges.average(rows[CANDIDATE], _learned(judged, round_.number)),
            "forgetting": _number(judges.forgetting(best, rows[CANDIDATE], _learned(judged, round_.number - 1))),
        },
    )


def gate(round_: Round) -> None:
    """Decide about the candidate."""
    judged, standing, candidate = _compared(round_)
    best = judges.best_so_far([*_stood(round_), judges.row(standing)])
    decision = gates.decide(standing, candidate, judged, round_.number, settings=round_.settings.gate, best=best)
    reasons = (*decision.reasons, *_left(round_))
    write_json(round_.path / DECIDED, {"promoted": decision.promoted, "reasons": reasons})
    round_.say(("promoted: " if decision.promoted else "refused: ") + " ".join(decision.reasons))


def _compared(round_: Round) -> tuple[JudgeSet, Readings, Readings]:
    """What is judged on, and what the standing version and the candidate make of it."""
    judged, seed = judge_set(round_), round_.settings.seed
    versions = (
        _version(round_.standing.version, as_it_stands(round_)),
        _version(CANDIDATE, calibrated_by(round_, round_.settings.defence)),
    )
    standing, candidate = (judges.read(version, judged, seed=seed) for version in versions)
    return judged, standing, candidate


def _left(round_: Round) -> tuple[str, ...]:
    path = round_.path / LEFT
    left = read_json(path)["left"] if round_.settings.defence == SELECTIVE and path.is_file() else ()
    return (f"Left for later, or earlier fakes would be forgotten: {', '.join(left)}.",) if left else ()


def judge_set(round_: Round) -> JudgeSet:
    """All that versions are judged on by the end of this round."""
    reals, kinds = {}, []
    for kind in kinds_until(round_.number, round_.settings):
        key = kind.side_px + (FACES if kind.needs_faces and has_faces(round_) else 0)
        if key not in reals:
            reals[key] = _photos(round_, photos_beside(kind.side_px, kind.needs_faces, has_faces(round_)))
        kept = read_arrays(kind_path(round_, kind))
        fakes = Rows(kept[JUDGE].astype(np.float32), tuple(map(str, kept[f"{JUDGE}_sources"])))
        kinds.append(Kind(kind.title, kind.round, kind.unseen, fakes, key))
    clean = _photos(round_, WHOLE)
    if has_faces(round_):
        clean = _both(clean, _photos(round_, f"faces-{WHOLE}"))
    known, photos = _known(round_)
    if known:
        reals[KNOWN_PHOTOS] = photos if photos is not None else clean
    return JudgeSet((*kinds, *known), reals, clean)


def attack_features(round_: Round, kind: FakeKind) -> tuple[Rows, Rows]:
    """Fakes of an attack to judge by, and the same ones without the attack."""
    kept = read_arrays(kind_path(round_, kind))
    sources = tuple(map(str, kept[f"{JUDGE}_sources"]))
    return Rows(kept[JUDGE].astype(np.float32), sources), Rows(kept["plain"].astype(np.float32), sources)


def _attack(work: tuple[Round, tuple[FakeKind, dict[str, Calibrated]]]) -> AttackRecord:
    from detectors.attacks.catalog import ATTACKS

    round_, (kind, calibrated) = work
    fakes, plain = attack_features(round_, kind)
    standing = _version(round_.standing.version, as_it_stands(round_))
    candidate = _version(CANDIDATE, calibrated[round_.settings.defence])
    said, took_s = said_of(round_, kind)
    fd, fd_plain = _distances(round_, kind)
    return AttackRecord(
        name=kind.attack,
        white_box=ATTACKS.load(kind.attack).white_box,
        fakes=kind.title,
        tuned=said,
        plain=judges.evasion(standing, plain),
        before=judges.evasion(standing, fakes),
        after=judges.evasion(candidate, fakes),
        fd=fd,
        fd_plain=fd_plain,
        took_s=took_s,
    )


def _distances(round_: Round, kind: FakeKind) -> tuple[float | None, float | None]:
    """FD-lite0 of the fakes to judge by and of the same without the attack, both to the same real photos."""
    folder = round_.path / kind.slug / JUDGE
    fakes, plain = fakes_of(folder), fakes_of(folder / "plain")
    if len(fakes) < MIN_FOR_FD:
        return None, None
    photos = round_.photos_for(kind).of(JUDGE)
    reals = _embedded([pixels for _, pixels in round_.squares(photos, kind.side_px)])
    from generators.quality.distances import frechet

    found = [frechet(_embedded([pixels for _, pixels in own]), reals) for own in (fakes, plain)]
    return round(found[0], 3), round(found[1], 3)


def _embedded(pictures: Sequence[Pixels]) -> NDArray[np.float32]:
    from generators.quality.lite0 import embed

    return embed(np.stack(pictures))[0]


def _defence(
    round_: Round, judged: JudgeSet, best: dict[str, float], name: str, calibrated: Calibrated
) -> DefenceRecord:
    readings: Readings = judges.read(_version(name, calibrated), judged, seed=round_.settings.seed)
    cells = judges.row(readings)
    past = _learned(judged, round_.number - 1)
    new = [kind for kind in _learned(judged, round_.number) if kind not in past]
    return DefenceRecord(
        name=name,
        new=judges.average(cells, new),
        old=_number(judges.average(cells, past)),
        forgetting=_number(judges.forgetting(best, cells, past)),
        unseen=_number(judges.average(cells, judged.unseen)),
        false_positives=judges.false_positives(readings).value,
    )


def _stood(round_: Round) -> list[Any]:
    """Rows of the matrix of every version that stood in an earlier round."""
    records = (record for record in read_log(round_.folder.root) if record.number < round_.number)
    return [record.matrix[record.candidate if record.promoted else record.standing] for record in records]


def _learned(judged: JudgeSet, number: int) -> list[str]:
    """Kinds that were there to be learned by the end of a round."""
    return [kind.name for kind in judged.kinds if kind.round <= number and not kind.unseen]


def _version(name: str, calibrated: Calibrated) -> Version:
    return Version(name, calibrated.reading.logits, threshold_logit(calibrated.thresholds["0.05"]))


def _photos(round_: Round, which: str) -> Rows:
    kept = read_arrays(photo_features(round_, which))
    return Rows(kept[JUDGE].astype(np.float32), tuple(map(str, kept[f"{JUDGE}_sources"])))


def _both(a: Rows, b: Rows) -> Rows:
    return Rows(np.concatenate([a.features, b.features]), a.sources + b.sources)


def _known(round_: Round) -> tuple[list[Kind], Rows | None]:
    """Kinds of known fakes that nothing was learned from, and the real photos beside them."""
    path = round_.folder.root / KNOWN
    if not path.is_file():
        return [], None
    kept = read_arrays(path)
    mild = kept["features"][:, -1].astype(np.float32)
    sources = kept["sources"]

    def rows(own: NDArray[np.bool_]) -> Rows:
        return Rows(mild[own], tuple(map(str, sources[own])))

    kinds = []
    for part, name, unseen in ((JUDGE, "known", False), (UNSEEN, "unseen", True)):
        fakes = (kept["parts"] == part) & (kept["labels"] == 1)
        for family in sorted(set(kept["families"][fakes].tolist())):
            own = fakes & (kept["families"] == family)
            # Round -1: they were known before the seed round.
            kinds.append(Kind(f"{family}, {name}", -1, unseen, rows(own), KNOWN_PHOTOS))
    photos = (kept["parts"] == JUDGE) & (kept["labels"] == 0)
    return kinds, rows(photos) if photos.any() else None


def _number(value: float) -> float:
    """A mean of nothing as 0: JSON has no word for it."""
    return float(value) if np.isfinite(value) else 0.0


def judged_of(round_: Round) -> dict[str, Any]:
    """What `judge` kept."""
    kept: dict[str, Any] = read_json(round_.path / JUDGED)
    return kept
