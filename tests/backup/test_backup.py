"""A backup of a zoo at work restores everything; what is incomplete, damaged or newer is refused."""

import itertools
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import func, inspect, select, text

from service.backup.backup import back_up
from service.backup.manifest import KEY, read_manifest
from service.backup.restore import restore
from service.backup.store import BackupStore, blob_key
from service.container import Zoo, zoo_from
from service.core.errors import ZooError
from service.core.operations.access import keys
from service.core.operations.jobs import lifecycle
from service.core.operations.zoo.blob_names import DELETION_LOCK, all_named, deletable
from service.core.tables import JobEventRecord, JobRecord, ModelRecord, UploadRecord
from service.embedded.bootstrap import prepare
from service.embedded.home import Home
from service.embedded.home_database import with_database
from service.embedded.postgres import PrivatePostgres
from service.migrate import configuration
from service.scheduler import garbage_collection
from service.settings import Settings
from tests.jobs.builders import a_job
from tests.object_storage import s3_bucket
from tests.rest.served import a_dataset, a_graph, a_model, stored
from tests.waiting import HANG_SECONDS, eventually
from tests.zooscope.cli.shells import StartedCommand

pytestmark = pytest.mark.slow

SEED = 20260101
KILLS = 8
LOOK_SECONDS = 0.001
OTHERS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


@pytest.fixture
def store(tmp_path: Path) -> BackupStore:
    return BackupStore(str(tmp_path / "backup"), endpoint=None)


@pytest.fixture
def empty(postgres: PrivatePostgres, tmp_path: Path) -> Iterator[Zoo]:
    """A zoo with a database without tables, in a new home."""
    postgres.drop_database("restored")
    postgres.create_database("restored")
    zoo = zoo_from(_settings(postgres, tmp_path))
    yield zoo
    zoo.close()
    postgres.drop_database("restored")


def _settings(postgres: PrivatePostgres, folder: Path) -> Settings:
    return Settings(home=folder / "restored", database_url=postgres.url("restored"))  # type: ignore[arg-type]


def fill(zoo: Zoo, *, models: int = 3) -> str:
    """Networks, a dataset, a graph, a key, an upload and a running job; returns the job's id."""
    with zoo.transaction() as session:
        dataset = a_dataset(zoo, session, id="dst_1")
        for number in range(models):
            sha256 = stored(zoo, bytes([number]) * (100_000 + number))
            model = a_model(session, name=f"tab\there {number}\\", upload_sha256=sha256)
        a_graph(session, model, dataset, sketch=None)
        keys.issue(session, project="default", name="reader", scopes=["read"])
        session.add(
            UploadRecord(
                id="upl_1",
                project="default",
                filename="half",
                size_bytes=9,
                expires_at=func.clock_timestamp(),
            )
        )
        a_job(session)
    with zoo.transaction() as session:
        job = lifecycle.claim(
            session, worker="w", queues=("cpu",), lease_seconds=60.0, running_seconds=60.0
        )
        assert job is not None
        return job.id


def rows_of(zoo: Zoo) -> dict[str, list[Any]]:
    """Every row of every table that a restore leaves as it is."""
    with zoo.engine.connect() as connection:
        names = set(inspect(connection).get_table_names()) - {
            "jobs",
            "job_events",
            "job_runs",
            "keys",
            "project_events",
            "uploads",
        }
        return {
            name: sorted(map(str, connection.execute(text(f"SELECT * FROM {name}"))))
            for name in names
        }


def code_of(call: Any, *arguments: Any) -> str:
    with pytest.raises(ZooError) as refused:
        call(*arguments)
    assert refused.value.remedy
    return refused.value.code


def test_everything_returns_and_the_running_job_is_queued_again(
    zoo: Zoo, empty: Zoo, store: BackupStore
):
    job_id = fill(zoo)
    with zoo.transaction() as session:
        token = keys.issue(session, project="default", name="mine", scopes=["read"]).token
    report = back_up(zoo, store)

    restored = restore(empty, store)

    assert report.manifest.missing == []
    assert report.copied == len(report.manifest.files) == 4
    assert rows_of(empty) == rows_of(zoo)
    assert restored.requeued == (job_id,)
    with empty.transaction() as session:
        assert all(empty.blobs.exists(sha256) for sha256 in all_named(session))
        job = session.get_one(JobRecord, job_id)
        assert (job.state, job.attempts, job.worker, job.lease_until) == ("queued", 0, None, None)
        events = select(JobEventRecord.type).where(JobEventRecord.job_id == job_id)
        assert session.scalars(events.order_by(JobEventRecord.seq)).all()[-1] == "requeued"
        assert session.scalar(select(func.count()).select_from(UploadRecord)) == 0
        assert keys.valid_key(session, token=token).caller.project == "default"
        assert keys.valid_key(session, token=restored.admin_key).caller.scopes == {
            "admin",
            "operator",
        }


def test_object_storage_holds_a_backup_as_a_folder_does(zoo: Zoo, empty: Zoo):
    fill(zoo)
    with s3_bucket() as bucket:
        store = BackupStore(f"{bucket}/nightly", endpoint=os.environ["AWS_ENDPOINT_URL"])
        first, second = back_up(zoo, store), back_up(zoo, store)
        restore(empty, store)

    assert (first.copied, second.copied) == (4, 0)
    assert rows_of(empty) == rows_of(zoo)
    with empty.transaction() as session:
        assert all(empty.blobs.exists(sha256) for sha256 in all_named(session))


def test_a_second_backup_copies_only_what_is_new_and_drops_what_is_gone(
    zoo: Zoo, store: BackupStore
):
    fill(zoo)
    first = back_up(zoo, store).manifest
    with zoo.transaction() as session:
        gone = session.scalars(select(ModelRecord).where(ModelRecord.name.like("%0\\\\"))).one()
        session.delete(gone)
        a_model(session, name="new", upload_sha256=stored(zoo, b"new"))
    back_up_file = Path(store.url) / blob_key(min(first.files))
    back_up_file.write_bytes(b"rotten")

    second = back_up(zoo, store)

    assert second.copied in {1, 2}  # the new file, and the rotten one unless its model is gone
    assert gone.upload_sha256 not in second.manifest.files
    assert set(store.keys("")) == {
        KEY,
        *(table.key for table in second.manifest.tables),
        *map(blob_key, second.manifest.files),
    }


def test_files_that_the_zoo_lost_are_named_and_the_rest_is_backed_up(
    zoo: Zoo, empty: Zoo, store: BackupStore
):
    fill(zoo)
    with zoo.transaction() as session:
        lost, rotten, *_rest = all_named(session)
    zoo.blobs.delete(lost)
    zoo.blobs.delete(rotten)
    (zoo.staging / "rotten").write_bytes(b"rotten")
    zoo.blobs.add(zoo.staging / "rotten", sha256=rotten)

    report = back_up(zoo, store)

    assert report.manifest.missing == sorted([lost, rotten])
    assert restore(empty, store).manifest == read_manifest(store)


def test_nothing_is_deleted_while_a_backup_holds_the_files(zoo: Zoo):
    sha256 = stored(zoo, b"nobody refers to this")
    with zoo.engine.connect() as backup:
        backup.execute(select(func.pg_advisory_lock(DELETION_LOCK)))

        during = garbage_collection.collect(zoo, min_age_seconds=-1.0)
        with zoo.transaction() as session:
            assert deletable(session, [sha256]) == set()

        backup.execute(select(func.pg_advisory_unlock(DELETION_LOCK)))
        backup.commit()
    assert during == 0
    assert zoo.blobs.exists(sha256)
    assert garbage_collection.collect(zoo, min_age_seconds=-1.0) == 1


def test_rows_and_files_agree_although_models_come_and_go_meanwhile(
    zoo: Zoo, empty: Zoo, store: BackupStore
):
    fill(zoo)
    stop = threading.Event()

    def churn() -> None:
        for number in itertools.count(1):
            with zoo.transaction() as session:
                digest = stored(zoo, f"file {number}".encode())
                a_model(session, id=f"mdl_{number}", upload_sha256=digest)
            if number > 2:
                with zoo.transaction() as session:
                    session.delete(session.get_one(ModelRecord, f"mdl_{number - 2}"))
            garbage_collection.collect(zoo, min_age_seconds=-1.0)
            if stop.is_set():
                return

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        reports = [back_up(zoo, store) for _ in range(3)]
    finally:
        stop.set()
        thread.join()
    restore(empty, store)

    assert [report.manifest.missing for report in reports] == [[]] * 3
    with empty.transaction() as session:
        assert all(empty.blobs.exists(sha256) for sha256 in all_named(session))


def test_incomplete_damaged_and_newer_backups_are_refused(
    zoo: Zoo, empty: Zoo, store: BackupStore
):
    fill(zoo)
    manifest_file = Path(store.url) / KEY
    assert code_of(restore, empty, store) == "backup_incomplete"
    manifest = back_up(zoo, store).manifest
    content = manifest_file.read_text()

    manifest_file.write_text("{}")
    assert code_of(restore, empty, store) == "backup_unreadable"
    manifest_file.write_text(content.replace(f'"{manifest.revision}"', '"9999"'))
    assert code_of(restore, empty, store) == "backup_newer_schema"
    manifest_file.write_text(content)
    for key in (blob_key(min(manifest.files)), manifest.tables[-1].key):
        path = Path(store.url) / key
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        assert code_of(restore, empty, store) == "backup_damaged"
        path.unlink()
        assert code_of(restore, empty, store) == "backup_damaged"
        assert inspect(empty.engine).get_table_names() == []
        path.write_bytes(before)
    fewer = manifest.model_copy(update={"tables": manifest.tables[:-1]})
    other = manifest.tables[0].model_copy(update={"columns": ["x", *manifest.tables[0].columns]})
    renamed = manifest.model_copy(update={"tables": [other, *manifest.tables[1:]]})
    elsewhere = content.replace(f'"{manifest.tables[0].key}"', '"../tables/a/b.copy"')
    for changed in (fewer.model_dump_json(), renamed.model_dump_json(), elsewhere):
        assert changed != content
        manifest_file.write_text(changed)
        assert code_of(restore, empty, store) == "backup_unreadable"
        assert inspect(empty.engine).get_table_names() == []
    manifest_file.write_text(content)
    restore(empty, store)
    assert code_of(restore, empty, store) == "restore_target_not_empty"


def test_an_older_schema_is_restored_and_upgraded(zoo: Zoo, empty: Zoo, store: BackupStore):
    with zoo.engine.begin() as connection:
        command.downgrade(configuration(connection), "0012")
        connection.execute(
            text(
                "INSERT INTO models (id, project, name, state, task_kind, manifest, tags, filename,"
                " layers, problems, version) VALUES ('mdl_1', 'default', 'old', 'awaited', 'other',"
                """ '{"licence": "MIT"}', '{}', '', '[]', '[]', 1)"""
            )
        )
    assert back_up(zoo, store).manifest.revision == "0012"

    restore(empty, store)

    with empty.transaction() as session:
        model = session.get_one(ModelRecord, "mdl_1")
        assert (model.state, model.manifest) == ("pending", {"license": "MIT"})


def command_line(*arguments: str, zoo: Zoo) -> StartedCommand:
    """A started command on a zoo's home and database."""
    url = zoo.settings.database_url
    assert url is not None
    words = (*arguments, "--home", str(zoo.settings.folder), "--json")
    return StartedCommand(words, {**os.environ, "ZOO_DATABASE_URL": url.get_secret_value()})


def finished(command: StartedCommand) -> dict[str, Any]:
    """What a command printed, which must have succeeded."""
    done = command.completed()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def files_in(root: Path) -> int:
    """How many files a folder holds by now."""
    return sum(1 for path in root.rglob("*") if path.is_file())


def wrote(root: Path, *, files: int) -> bool:
    """Whether a folder holds so many files by now."""
    return files_in(root) >= files


def killed_when(command: StartedCommand, happens: Callable[[], bool]) -> None:
    """Kill a command at once when something happens, unless it ends before."""
    give_up = time.monotonic() + HANG_SECONDS
    while not happens() and command.status is None:
        assert time.monotonic() < give_up
        time.sleep(LOOK_SECONDS)
    command.kill()


def is_whole(store: BackupStore) -> bool:
    """Whether everything that the manifest lists is there; True before there is a manifest."""
    if not (Path(store.url) / KEY).exists():
        return True
    manifest = read_manifest(store)
    hashes = {table.key: table.sha256 for table in manifest.tables}
    hashes |= {blob_key(sha256): sha256 for sha256 in manifest.files}
    return all(
        store.verified_size(key, sha256=digest) is not None for key, digest in hashes.items()
    )


@pytest.mark.faults
def test_a_backup_killed_anywhere_is_refused_or_whole_and_succeeds_when_repeated(
    zoo: Zoo, empty: Zoo, store: BackupStore
):
    fill(zoo, models=20)
    dice = random.Random(SEED)
    for kill in range(KILLS):
        with zoo.transaction() as session:
            a_model(session, upload_sha256=stored(zoo, f"new {kill}".encode()))

        enough = files_in(Path(store.url)) + dice.randrange(1, 40)
        backing_up = command_line("backup", store.url, zoo=zoo)
        killed_when(backing_up, partial(wrote, Path(store.url), files=enough))

        assert is_whole(store)

    assert finished(command_line("backup", store.url, zoo=zoo))["missing"] == []
    restore(empty, store)
    assert rows_of(empty) == rows_of(zoo)


def works_since(zoo: Zoo, *, seconds: float) -> bool:
    """Whether another connection to the zoo's database is in a transaction of at least this age."""
    query = text(f"SELECT count(*) {OTHERS} AND clock_timestamp() - xact_start > :age")
    with zoo.engine.connect() as connection:
        return bool(connection.scalar(query, {"age": timedelta(seconds=seconds)}))


def is_alone(zoo: Zoo) -> bool:
    """Whether no other connection to the zoo's database is left."""
    with zoo.engine.connect() as connection:
        return connection.scalar(text(f"SELECT count(*) {OTHERS}")) == 0


@pytest.mark.faults
def test_a_restore_killed_anywhere_leaves_all_or_nothing_and_succeeds_when_repeated(
    postgres: PrivatePostgres, zoo: Zoo, empty: Zoo, store: BackupStore
):
    fill(zoo, models=20)
    back_up(zoo, store)
    dice = random.Random(SEED)
    cut = 0
    for kill in range(KILLS):
        restoring = command_line("restore", store.url, zoo=empty)
        happens = (
            partial(wrote, empty.settings.folder, files=dice.randrange(1, 20))
            if kill % 2
            else partial(works_since, empty, seconds=dice.uniform(0.0, 1.0))
        )
        killed_when(restoring, happens)
        eventually(lambda: is_alone(empty))

        if inspect(empty.engine).get_table_names():
            assert rows_of(empty) == rows_of(zoo)
            postgres.drop_database("restored")
            postgres.create_database("restored")
        cut += restoring.status == -signal.SIGKILL

    assert cut > 0
    finished(command_line("restore", store.url, zoo=empty))
    assert rows_of(empty) == rows_of(zoo)
    with empty.transaction() as session:
        assert all(empty.blobs.exists(sha256) for sha256 in all_named(session))
        token = (empty.settings.folder / "admin.key").read_text().strip()
        assert keys.valid_key(session, token=token).caller.scopes == {"admin", "operator"}


def test_a_home_that_holds_something_else_is_refused_and_untouched(
    store: BackupStore, zoo: Zoo, tmp_path: Path
):
    finished(command_line("backup", store.url, zoo=zoo))
    home = tmp_path / "documents"
    home.mkdir()
    (home / "thesis.tex").write_text("mine")

    words = ("restore", store.url, "--home", str(home), "--json")
    done = StartedCommand(words, os.environ).completed()

    problem = json.loads(done.stderr)
    assert done.returncode == 1
    assert problem["code"] == "restore_target_not_empty"
    assert "thesis.tex" in problem["detail"]
    assert [entry.name for entry in home.iterdir()] == ["thesis.tex"]


def test_a_private_zoo_moves_to_a_new_home(open_folder: Path):
    old, new = (Settings(home=open_folder / name) for name in ("old", "new"))
    with with_database(old, Home(old.folder)) as addressed:
        prepare(addressed, Home(old.folder))

    for arguments in (("backup", str(old.folder)), ("restore", str(new.folder))):
        words = (arguments[0], str(open_folder / "backup"), "--home", arguments[1])
        done = StartedCommand(words, os.environ).completed()
        assert done.returncode == 0, done.stderr

    with with_database(new, Home(new.folder)) as addressed:
        zoo = zoo_from(addressed, connections=1)
        with zoo.transaction() as session:
            token = Home(new.folder).admin_key.read_text().strip()
            assert keys.valid_key(session, token=token).caller.scopes == {"admin", "operator"}
        zoo.close()


def test_a_missing_file_is_logged_beside_the_json(zoo: Zoo, store: BackupStore):
    fill(zoo)
    with zoo.transaction() as session:
        lost, *_rest = all_named(session)
    zoo.blobs.delete(lost)

    done = command_line("backup", store.url, zoo=zoo).completed()

    assert done.returncode == 1
    assert json.loads(done.stdout)["missing"] == [lost]
    assert "file_missing_or_damaged" in done.stderr
