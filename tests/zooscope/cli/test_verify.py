"""`zooscope verify` reads every file, names what is damaged or missing, and says so in its status."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import obstore
import pytest

from service.adapters.damage_log import DatabaseDamageLog
from service.adapters.object_store import ObjectBlobs, key_of
from service.adapters.verified_blobs import VerifiedBlobs, VerifyBudget
from service.container import Zoo
from service.core.errors import UnavailableError
from service.core.tables import ModelRecord
from service.embedded.home import Home, Running
from service.embedded.opened import opened
from service.embedded.postgres import DATABASE, PrivatePostgres
from service.migrate import migrate
from service.settings import Settings, environment
from service.verification import FileStatus, verify_files
from tests.disks import flip_bit
from tests.rest.served import a_model, stored
from tests.zooscope.cli.shells import StartedCommand
from zooscope.cli.doctor import CheckStatus, _storage

GONE = "0" * 64


def run(zoo: Zoo, *options: str) -> subprocess.CompletedProcess[str]:
    """The command on the home folder and the database of the zoo, as a process of its own."""
    return StartedCommand(("verify", *options), environment(zoo.settings)).completed()


def models_in(zoo: Zoo) -> dict[str, str]:
    """Three models by name: one whole, one whose file rots, one whose file is gone."""
    with zoo.transaction() as session:
        return {
            "whole": a_model(session, upload_sha256=stored(zoo, b"whole")).id,
            "rotten": a_model(session, upload_sha256=stored(zoo, b"rotten")).id,
            "gone": a_model(session, upload_sha256=GONE).id,
        }


def digest_of(zoo: Zoo, model_id: str) -> str:
    with zoo.transaction() as session:
        return session.get_one(ModelRecord, model_id).upload_sha256 or ""


def state_of(zoo: Zoo, model_id: str) -> str:
    with zoo.transaction() as session:
        return session.get_one(ModelRecord, model_id).state


def test_damaged_and_missing_files_are_named_with_what_needs_them(zoo: Zoo):
    models = models_in(zoo)
    rotten = digest_of(zoo, models["rotten"])
    flip_bit(zoo.settings.folder / "blobs", rotten)

    output = run(zoo, "--json")

    report = json.loads(output.stdout)
    assert (output.returncode, report["files"], report["bytes"]) == (1, 3, 5)
    assert report["problems"] == [
        {"sha256": rotten, "status": "damaged", "needed_by": [models["rotten"]]},
        {"sha256": GONE, "status": "missing", "needed_by": [models["gone"]]},
    ]
    states = {name: state_of(zoo, model_id) for name, model_id in models.items()}
    assert states == {"whole": "ready", "rotten": "damaged", "gone": "damaged"}
    table = run(zoo)
    assert table.returncode == 1
    assert rotten in table.stdout
    assert "1 damaged, 1 missing" in table.stdout


def test_a_repaired_store_is_whole_again(zoo: Zoo):
    with zoo.transaction() as session:
        model_id = a_model(session, upload_sha256=stored(zoo, b"rotten")).id
    flip_bit(zoo.settings.folder / "blobs", digest_of(zoo, model_id))
    assert run(zoo).returncode == 1
    (damaged,) = [f for f in _storage(zoo.settings) if f.subject == "files"]
    assert (damaged.status, digest_of(zoo, model_id) in damaged.value) == (CheckStatus.WRONG, True)

    stored(zoo, b"rotten")

    output = run(zoo)
    assert (output.returncode, output.stdout) == (
        0,
        "1 file, 0.0 MB whole, 0 damaged, 0 missing\n",
    )
    assert state_of(zoo, model_id) == "ready"
    (whole,) = [f for f in _storage(zoo.settings) if f.subject == "files"]
    assert whole.status is CheckStatus.GOOD


def test_object_storage_is_verified_too(zoo: Zoo):
    raw = ObjectBlobs("memory:///", endpoint=None)
    log = DatabaseDamageLog(zoo.sessions)
    zoo = replace(zoo, blobs=VerifiedBlobs(raw, damage=log, budget=VerifyBudget(2**30)))
    sha256 = stored(zoo, b"rotten")
    with zoo.transaction() as session:
        model_id = a_model(session, upload_sha256=sha256).id
    obstore.put(raw._store, key_of(sha256), b"rotted")

    (file,) = verify_files(zoo)

    assert (file.status, file.needed_by) == (FileStatus.DAMAGED, (model_id,))
    assert state_of(zoo, model_id) == "damaged"


def test_a_home_folder_is_verified_whether_or_not_its_zoo_runs(open_folder: Path):
    settings = Settings(home=open_folder / "home")
    with pytest.raises(UnavailableError, match="no zoo"), opened(settings):
        pass
    home = Home(settings.folder)
    with home.claimed(), PrivatePostgres(home.postgres) as server:
        server.create_database(DATABASE)
        home.announce(Running(rest_url="", grpc_address="", ready=True, parts={}))
        with opened(settings) as zoo:
            migrate(zoo.engine)
            stored(zoo, b"whole")
            assert [file.status for file in verify_files(zoo)] == [FileStatus.WHOLE]

    with opened(settings) as zoo:
        assert [file.status for file in verify_files(zoo)] == [FileStatus.WHOLE]
