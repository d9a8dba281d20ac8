"""What the store keeps comes back; what it is asked for it finds, as a plain comparison would."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, create_engine, inspect, text

from detectors.perceptual_hash import distances, packed
from forensics.finding import Claim, Finding, Heat, Trace
from forensics.report import ScanReport
from forensics.settings import ScanSettings
from forensics.store import Store, default_url
from forensics.store.opening import HEAD
from forensics.store.store import folder_of
from forensics.store.tables import Base
from forensics.verdict import weigh


def report(number: int = 1, *, name: str = "a.jpg", llr: float = 2.0, pdq: tuple[str, ...] = ()) -> ScanReport:
    heat = Heat(np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4), "where")
    found = Finding("copy_move", Trace.GEOMETRY, "A copied part.", llr=llr, claim=Claim.MANIPULATED, heat=heat)
    settings = ScanSettings()
    return ScanReport(
        filename=name,
        path=f"folder/{name}",
        sha256=f"{number:064x}",
        kind="image",
        format="jpeg",
        size_bytes=3 << 31,
        width=40,
        height=30,
        duration_s=None,
        verdict=weigh([found], settings),
        findings=(found,),
        skipped={"timeline": "not a video"},
        failed={},
        settings=settings,
        versions={"unforged": "1"},
        timings_s={"decode": 0.5},
        scanned_at=f"2026-01-{number % 28 + 1:02d}T10:00:00+00:00",
        pdq=pdq,
    )


def plain_engine(url: str, **options: Any) -> Engine:
    """The same database without the store."""
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"), **options)


def test_a_report_comes_back_as_it_was_saved(url: str) -> None:
    saved = report()
    with Store(url) as store:
        number = store.save(saved, elapsed_s=1.5)
    with Store(url) as store:
        back = store.report(number)
        (row,) = store.find()
    assert back.verdict == saved.verdict
    assert back.settings == saved.settings
    assert (row.id, row.filename, row.size_bytes, row.elapsed_s) == (number, "a.jpg", 3 << 31, 1.5)
    assert back.findings[0].heat is not None and saved.findings[0].heat is not None
    assert np.abs(back.findings[0].heat.values - saved.findings[0].heat.values).max() <= 0.5 / 255 + 1e-6


def test_a_file_is_known_only_under_the_same_settings_and_versions(url: str) -> None:
    saved = report()
    with Store(url) as store:
        number = store.save(saved, elapsed_s=1.0)
        found = store.known(saved.sha256, saved.settings, saved.versions)
        assert found is not None and found.id == number
        assert store.known("0" * 64, saved.settings, saved.versions) is None
        assert store.known(saved.sha256, ScanSettings(prior=0.1), saved.versions) is None
        assert store.known(saved.sha256, saved.settings, {"unforged": "2"}) is None


def test_saving_the_same_scan_again_replaces_it_and_all_that_hangs_on_it(url: str) -> None:
    with Store(url) as store:
        store.save(report(pdq=("00" * 32,)), elapsed_s=1.0)
        second = store.save(report(llr=-1.0, pdq=("ff" * 32,)), elapsed_s=2.0)
        assert [row.id for row in store.find()] == [second]
        assert store.find(analyzer="copy_move") == []
        assert store.near("00" * 32) == []
        assert [match.scan.id for match in store.near("ff" * 32)] == [second]
    engine = plain_engine(url)
    with engine.connect() as connection:
        for table in ("bodies", "hashes"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 1
    engine.dispose()


def test_history_is_found_by_hash_name_opinion_analyzer_and_date(url: str) -> None:
    with Store(url) as store:
        fake = store.save(report(1, name="100%_Beach.jpg", llr=2.0), elapsed_s=1.0)
        real = store.save(report(2, name="other.png", llr=-1.0), elapsed_s=1.0)
        ids = {
            "all": [row.id for row in store.find()],
            "sha": [row.id for row in store.find(sha256=f"{1:064X}"[:64])],
            "prefix": [row.id for row in store.find(sha256="000000")],
            "name": [row.id for row in store.find(name="%_beach")],
            "wildcards": [row.id for row in store.find(name="o%r")],
            "opinion": [row.id for row in store.find(opinion="likely manipulated")],
            "analyzer": [row.id for row in store.find(analyzer="copy_move")],
            "since": [row.id for row in store.find(since="2026-01-03")],
            "until": [row.id for row in store.find(until="2026-01-03")],
            "limit": [row.id for row in store.find(limit=1)],
        }
    assert ids == {
        "all": [real, fake],
        "sha": [fake],
        "prefix": [real, fake],
        "name": [fake],
        "wildcards": [],
        "opinion": [fake],
        "analyzer": [fake],
        "since": [real],
        "until": [fake],
        "limit": [real],
    }


def test_near_finds_what_a_bit_by_bit_comparison_finds(url: str) -> None:
    rng = np.random.default_rng(1)
    wanted = rng.integers(0, 256, 32, dtype=np.uint8)
    expected: dict[int, int] = {}
    with Store(url) as store:
        for number, n_flips in enumerate([0, 1, 12, 30, 31, 32, 60, 255]):
            bits = np.unpackbits(wanted)
            bits[rng.choice(256, n_flips, replace=False)] ^= 1
            scan = store.save(report(number, pdq=(np.packbits(bits).tobytes().hex(),)), elapsed_s=0.1)
            if n_flips <= 31:
                expected[scan] = n_flips
            # Asked in between too: hashes added after the first question must be seen.
            store.near(wanted.tobytes().hex())
        matches = store.near(wanted.tobytes().hex(), max_distance_bits=31)
        assert {match.scan.id: match.distance_bits for match in matches} == expected
        assert [match.distance_bits for match in matches] == sorted(expected.values())
        assert len(store.near(wanted.tobytes().hex(), max_distance_bits=256)) == 8


def test_distances_count_the_bits_that_differ() -> None:
    rng = np.random.default_rng(2)
    hashes = rng.integers(0, 256, (50, 32), dtype=np.uint8)
    wanted = rng.integers(0, 256, 32, dtype=np.uint8)
    plain = [bin(int(row.tobytes().hex(), 16) ^ int(wanted.tobytes().hex(), 16)).count("1") for row in hashes]
    assert distances(hashes, wanted.tobytes().hex()).tolist() == plain
    with pytest.raises(ValueError, match="64 hex digits"):
        packed("abc")


def test_migrations_lead_from_nothing_to_the_tables_in_the_code(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    Store(url).close()
    engine = plain_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == HEAD
    engine.dispose()
    config = Config()
    config.set_main_option("script_location", "forensics:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_scans_of_an_older_store_get_the_folder_that_their_path_tells(url: str) -> None:
    from alembic import command
    from alembic.config import Config

    paths = ["a.jpg", "deep/er/a.jpg", "/a.jpg", "/deep//a.jpg", "odd a/b_%.d/a.jpg", "", "trailing/"]
    Store(url).close()
    engine = plain_engine(url)
    config = Config()
    config.set_main_option("script_location", "forensics:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        for number, path in enumerate(paths):
            connection.execute(
                text(
                    "INSERT INTO scans (sha256, settings_digest, versions_digest, path, filename, kind, format,"
                    " size_bytes, opinion, probability, llr, scanned_at, elapsed_s)"
                    " VALUES (:sha, '', '', :path, 'a.jpg', 'image', 'jpeg', 1, 'inconclusive', 0.5, 0, '2026', 1)"
                ),
                {"sha": f"{number:064x}", "path": path},
            )
    engine.dispose()
    with Store(url) as store:
        found = {row.path: row.folder for row in store.find(limit=100)}
    assert found == {path: folder_of(path) for path in paths}
    assert found["odd a/b_%.d/a.jpg"] == "odd a/b_%.d"


def test_a_file_lay_where_the_scan_was_told(url: str) -> None:
    with Store(url) as store:
        for number, folder in enumerate(["/pictures/holiday", None, ""], 1):
            store.save(report(number), elapsed_s=1.0, folder=folder)
        assert [row.location for row in store.find()][::-1] == [
            Path("/pictures/holiday/a.jpg"),
            Path("folder/a.jpg"),
            None,
        ]


def test_a_store_of_a_newer_version_is_refused_and_left_alone(url: str) -> None:
    Store(url).close()
    engine = plain_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ValueError, match="a newer one wrote it"):
        Store(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
        assert "scans" in inspect(connection).get_table_names()
    engine.dispose()


def test_two_open_stores_see_each_others_scans(url: str) -> None:
    with Store(url) as one, Store(url) as other:
        number = one.save(report(1, pdq=("0f" * 32,)), elapsed_s=1.0)
        assert [row.id for row in other.find()] == [number]
        assert [match.scan.id for match in other.near("0f" * 32)] == [number]
        other.save(report(2), elapsed_s=1.0)
        assert len(one.find()) == 2


def test_many_scans_at_once_make_the_tables_once_and_keep_every_result(url: str) -> None:
    n_scans, n_files = 4, 5
    start = Barrier(n_scans)

    def scan(_: int) -> None:
        start.wait(30)
        with Store(url) as store:
            for number in range(n_files):
                store.save(report(number, pdq=("0f" * 32,)), elapsed_s=1.0)

    with ThreadPoolExecutor(n_scans) as threads:
        list(threads.map(scan, range(n_scans)))
    with Store(url) as store:
        assert sorted(row.sha256 for row in store.find(limit=100)) == [f"{n:064x}" for n in range(n_files)]


def test_names_no_database_takes_are_kept_escaped(url: str) -> None:
    with Store(url) as store:
        store.save(replace(report(), filename="a\udcff\0'; DROP TABLE scans;--"), elapsed_s=1.0)
        assert store.find()[0].filename == "a\\xff\\x00'; DROP TABLE scans;--"


def test_a_damaged_report_is_refused(url: str) -> None:
    with Store(url) as store:
        number = store.save(report(), elapsed_s=1.0)
        engine = plain_engine(url)
        with engine.begin() as connection:
            connection.execute(text("UPDATE bodies SET report = substr(report, 1, 100)"))
        engine.dispose()
        with pytest.raises(ValueError, match="cut off"):
            store.report(number)
        with pytest.raises(LookupError, match="no scan 77"):
            store.report(77)


@pytest.mark.parametrize("url", ["nonsense", "mongodb://x", "mysqlx://y", "mysql://host/name"])
def test_an_address_that_is_none_is_the_callers_mistake(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Store(url)


def test_the_default_store_lies_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    Store().close()
    assert default_url() == f"sqlite:///{tmp_path}/unforged/scans.db"
    assert (tmp_path / "unforged").stat().st_mode & 0o077 == 0
