"""Who may do what: passwords are checked as promised, and roles are enforced below the views."""

from __future__ import annotations

import io
import ssl
import stat
from pathlib import Path

import pytest

from dashboard.backend.configuration import Configuration, load, save, save_trust_list
from dashboard.backend.options import Options
from dashboard.backend.scanning import Scanning
from dashboard.backend.signing_in import MAX_FAILURES, SLIP_S, TICKET_S, WAIT_S, SignIn
from dashboard.roles import NotAllowedError, Role, User, require
from forensics import password_file
from forensics.cli import main
from forensics.cli.dashboard import environment
from forensics.password_file import OIDC, Entry, checked, hashed, read, write
from forensics.settings import ScanSettings

PASSWORD = "correct horse battery"
VIEWER, MODERATOR, ADMIN = (User(role.word, role) for role in sorted(Role))


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_file, "COST_LOG2", 4)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people"
    write(path, [Entry("ann", "admin", hashed(PASSWORD)), Entry("bo@example.org", "moderator", OIDC)])
    return path


def test_only_the_right_password_fits_and_no_hash_is_made_twice(people: Path) -> None:
    entries = read(people)
    assert checked(entries, "ann", PASSWORD) == entries[0]
    for name, password in (("ann", PASSWORD + " "), ("ann", ""), ("eve", PASSWORD), ("bo@example.org", OIDC)):
        assert checked(entries, name, password) is None
    assert hashed(PASSWORD) != hashed(PASSWORD) and PASSWORD not in people.read_text()


def test_a_damaged_hash_lets_nobody_in() -> None:
    for secret in ("", "scrypt$", "scrypt$99$8$1$AA==$AA==", "scrypt$4$8$1$??$AA==", "plain$4$8$1$AA==$AA==", PASSWORD):
        assert checked([Entry("ann", "admin", secret)], "ann", PASSWORD) is None


def test_the_file_is_for_its_owner_only(people: Path) -> None:
    assert stat.S_IMODE(people.stat().st_mode) == 0o600
    assert [path.name for path in people.parent.iterdir()] == ["people"]


@pytest.mark.parametrize("name", ["", " a", "a:b", "#a", "a\nb", "a" * 101])
def test_names_that_would_break_the_file_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name"):
        Entry(name, "viewer", OIDC)


def test_wrong_passwords_have_to_wait_and_the_right_one_ends_it(people: Path) -> None:
    clock = Clock()
    gate = SignIn(people, clock=clock)
    for _ in range(MAX_FAILURES):
        assert gate.with_password("ann", "wrong") is None
    with pytest.raises(PermissionError, match="wait"):
        gate.with_password("ann", PASSWORD)
    clock.now_s += WAIT_S + 1
    assert gate.with_password("ann", PASSWORD) == User("ann", Role.ADMIN)
    assert gate.with_password("ann", "wrong") is None


def test_a_ticket_ends_with_its_time_with_signing_out_and_with_its_owner(people: Path) -> None:
    clock = Clock()
    gate = SignIn(people, clock=clock)
    ann = User("ann", Role.ADMIN)
    late, left, gone = (gate.ticket(ann) for _ in range(3))
    assert gate.with_ticket(late) == gate.with_ticket(gone) == ann and gate.with_ticket("guess") is None
    gate.sign_out(left)
    assert gate.with_ticket(left) is None
    write(people, [Entry("ann", "viewer", hashed(PASSWORD))])
    assert gate.with_ticket(gone) == User("ann", Role.VIEWER)
    write(people, [])
    assert gate.with_ticket(gone) is None
    write(people, [Entry("ann", "admin", hashed(PASSWORD))])
    clock.now_s += TICKET_S
    assert gate.with_ticket(late) is None


def test_a_slip_is_good_for_one_swap_and_not_for_long(people: Path) -> None:
    clock = Clock()
    gate = SignIn(people, clock=clock)
    ticket = gate.ticket(User("ann", Role.ADMIN))
    slip, late = gate.slip(ticket), gate.slip(ticket)
    assert gate.swapped("guess") is None and gate.with_ticket(slip) is None
    assert gate.swapped(slip) == ticket and gate.swapped(slip) is None
    clock.now_s += SLIP_S
    assert gate.swapped(late) is None


def test_a_provider_lets_in_only_who_is_listed_for_it(people: Path) -> None:
    gate = SignIn(people)
    assert gate.with_identity("Bo@Example.org") == User("bo@example.org", Role.MODERATOR)
    assert gate.with_identity("ann") is None and gate.with_identity("eve@example.org") is None


def test_claims_give_a_role_to_who_is_not_listed_and_change_nothing_for_who_is(people: Path) -> None:
    gate = SignIn(people)
    assert gate.with_identity("Bo@example.org", Role.ADMIN) == User("bo@example.org", Role.MODERATOR)
    assert gate.with_identity("Eve@Example.org", Role.VIEWER) == User("eve@example.org", Role.VIEWER)
    assert gate.with_identity("Ann", Role.ADMIN) is None, "a name with a password is nobody else's"
    with pytest.raises(ValueError, match="a name"):
        gate.with_identity("a:b", Role.ADMIN)


def test_without_a_list_only_claims_let_in() -> None:
    gate = SignIn(None)
    assert gate.with_identity("eve@example.org", Role.ADMIN) == User("eve@example.org", Role.ADMIN)
    assert gate.with_identity("eve@example.org") is None and gate.with_password("ann", PASSWORD) is None


def test_a_larger_role_may_what_a_smaller_one_may() -> None:
    for user in (VIEWER, MODERATOR, ADMIN):
        for least in Role:
            if user.role >= least:
                require(user, least)
            else:
                with pytest.raises(NotAllowedError, match=least.word):
                    require(user, least)


def test_the_backend_itself_refuses_a_role_that_is_too_small(tmp_path: Path) -> None:
    options = Options("sqlite://", tmp_path)
    for user in (VIEWER, MODERATOR):
        with pytest.raises(NotAllowedError):
            save(options, Configuration(), user=user)
        with pytest.raises(NotAllowedError):
            save_trust_list(options, b"", user=user)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotAllowedError):
        Scanning.submit(object.__new__(Scanning), io.BytesIO(b"x"), "x.jpg", user=VIEWER)


def test_what_an_admin_saved_is_what_is_loaded(tmp_path: Path) -> None:
    options = Options("sqlite://", tmp_path / "new", upload_mb=50)
    assert load(options).scan.limits.max_bytes == 50 << 20
    wanted = Configuration(load(options).scan, keep_hours=3.5)
    save(options, wanted, user=ADMIN)
    assert load(options) == wanted
    (tmp_path / "new" / "settings.json").write_text("{")
    with pytest.raises(ValueError, match="cannot be read"):
        load(options)


def test_scans_ask_the_models_of_the_folder_that_the_dashboard_was_started_with(tmp_path: Path) -> None:
    options = Options("sqlite://", tmp_path / "kept", models=tmp_path / "models")
    assert load(options).scan.models is None, "there is none in it yet"
    (tmp_path / "models" / "versions").mkdir(parents=True)
    assert load(options).scan.models == tmp_path / "models"
    save(options, Configuration(ScanSettings(models=tmp_path / "elsewhere")), user=ADMIN)
    assert load(options).scan.models == tmp_path / "models"
    assert load(Options("sqlite://", tmp_path / "kept")).scan.models is None


@pytest.mark.parametrize(("said", "wanted"), [({}, "data/unforged/models"), ({"MODELS": "none"}, None)])
def test_unless_told_otherwise_models_are_those_of_the_user(
    said: dict[str, str], wanted: str | None, tmp_path: Path
) -> None:
    given = {f"UNFORGED_DASHBOARD_{name}": value for name, value in said.items()}
    found = Options.from_environment({"XDG_DATA_HOME": str(tmp_path / "data"), **given}).models
    assert found == (None if wanted is None else tmp_path / wanted)


def test_a_trust_list_needs_a_certificate_and_is_named_by_its_content(tmp_path: Path) -> None:
    options = Options("sqlite://", tmp_path)
    with pytest.raises(ValueError, match="no PEM certificate"):
        save_trust_list(options, b"hello", user=ADMIN)
    assert list((tmp_path / "trust").iterdir()) == []
    pem = ssl.DER_cert_to_PEM_cert(b"\x30\x03abc").encode()
    first, second = save_trust_list(options, pem, user=ADMIN), save_trust_list(options, pem + b"\n", user=ADMIN)
    assert first != second and first.read_bytes() == pem


def test_the_folder_of_models_reaches_the_app_as_a_whole_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for given, wanted in ((None, None), ("none", "none"), ("mine", str(tmp_path / "mine"))):
        names = ("database", "folder", "password_file", "keep_hours", "max_upload", "jobs")
        told = environment(dict.fromkeys((*names, "secrets")) | {"models": given, "devices": ()})
        assert told.get("UNFORGED_DASHBOARD_MODELS") == wanted


@pytest.mark.parametrize("devices", [(), ("cpu",), ("cuda:0", "cuda:1")])
def test_the_devices_reach_the_app_in_their_order(devices: tuple[str, ...]) -> None:
    names = ("database", "folder", "password_file", "keep_hours", "max_upload", "jobs", "models", "secrets")
    told = environment(dict.fromkeys(names) | {"devices": devices})
    assert Options.from_environment({"XDG_DATA_HOME": "/data", **told}).devices == devices


def test_people_are_added_changed_listed_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "people")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n{PASSWORD}2\nshort\n"))
    add = ["dashboard", "add-user", "--password-file", path]
    assert main([*add, "ann", "--role", "admin"]) == main([*add, "ann", "--role", "viewer"]) == 0
    assert main([*add, "bo@example.org", "--oidc"]) == 0
    assert main([*add, "cy"]) == 2
    assert [entry.name for entry in read(tmp_path / "people")] == ["ann", "bo@example.org"]
    assert checked(read(tmp_path / "people"), "ann", f"{PASSWORD}2") is not None
    capsys.readouterr()
    assert main(["dashboard", "users", "--password-file", path]) == 0
    assert capsys.readouterr().out.splitlines()[0].split("\t") == ["ann", "viewer", "password"]
    assert main(["dashboard", "remove-user", "ann", "--password-file", path]) == 0
    assert main(["dashboard", "remove-user", "ann", "--password-file", path]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "--password-file"),
        (["--password-file", "/nowhere/people"], "add-user"),
        (["--port", "0"], "port"),
    ],
)
def test_an_open_door_is_refused_before_anything_starts(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dashboard", *words]) == 2
    assert said in capsys.readouterr().err
