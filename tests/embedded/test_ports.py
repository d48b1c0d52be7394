"""A port that is taken belongs to its zoo: nobody else gets it, and a refusal names port and fix."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service.container import Zoo
from service.core.errors import UnavailableError
from service.embedded.port_choice import take_ports
from service.embedded.ports import (
    TakenPort,
    free_port,
    is_listening,
    listening,
    reserved,
    speaks_http2,
)
from service.rpc.server import SHARED_PORT, create_server
from service.settings import Settings
from tests.waiting import HANG_SECONDS

HOST = "127.0.0.1"
NOBODY = 65534


@pytest.fixture(params=[listening, reserved])
def taken(request: pytest.FixtureRequest) -> Iterator[TakenPort]:
    taken = request.param(HOST, 0)
    yield taken
    taken.close()


@pytest.mark.parametrize("options", [(), (socket.SO_REUSEADDR,)])
def test_other_programs_cannot_use_a_reserved_port(taken: TakenPort, options: tuple[int, ...]):
    with socket.socket() as other:
        for option in options:
            other.setsockopt(socket.SOL_SOCKET, option, 1)

        with pytest.raises(OSError, match="in use"):
            other.bind((HOST, taken.number))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_other_users_cannot_share_a_reserved_port(taken: TakenPort):
    code = (
        "import os, socket, sys; os.setuid(int(sys.argv[1])); other = socket.socket();"
        "other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1);"
        "other.bind((sys.argv[2], int(sys.argv[3])))"
    )
    words = [str(NOBODY), HOST, str(taken.number)]

    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)

    assert "Address already in use" in done.stderr


def test_a_second_reservation_is_refused_and_names_port_setting_and_option():
    with ExitStack() as stack:
        first = reserved(HOST, 0)
        stack.callback(first.close)

        with pytest.raises(UnavailableError, match=f"port {first.number} of") as refused:
            reserved(HOST, first.number)

    assert refused.value.code == "port_in_use"
    assert "--grpc-port or ZOO_GRPC_PORT" in str(refused.value.remedy)


def test_grpc_serves_every_call_on_the_port_that_is_reserved(zoo: Zoo):
    with ExitStack() as stack:
        port = reserved(HOST, 0)
        stack.callback(port.close)
        assert not is_listening(os.getpid(), port.number)
        server = create_server(zoo, port=SHARED_PORT)
        server.add_insecure_port(f"{HOST}:{port.number}")
        server.start()
        stack.callback(lambda: server.stop(None).wait())

        for _call in range(5):
            with grpc.insecure_channel(f"{HOST}:{port.number}") as channel:
                answer = health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(), timeout=HANG_SECONDS
                )
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert is_listening(os.getpid(), port.number)


def test_a_chosen_port_that_is_in_use_is_refused(tmp_path: Path):
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(UnavailableError, match=f"port {port} of {HOST}") as refused:
            take_ports(Settings(home=tmp_path, port=port, grpc_port=0), print_line=str)

    assert refused.value.code == "port_in_use"
    assert "--port or ZOO_PORT" in str(refused.value.remedy)


def test_two_zoos_with_default_ports_get_different_ports_and_the_second_reports_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for variable in ("ZOO_PORT", "ZOO_GRPC_PORT"):
        monkeypatch.delenv(variable, raising=False)
    settings, lines = Settings(home=tmp_path), list[str]()
    with ExitStack() as stack:
        first = take_ports(settings, print_line=str)
        stack.callback(first.close)

        second = take_ports(settings, print_line=lines.append)
        stack.callback(second.close)

        assert first.rest.number < second.rest.number
        assert first.grpc.number < second.grpc.number
        assert lines == [
            f"port {settings.port} is in use; using {second.rest.number} for REST;"
            " choose with --port or ZOO_PORT",
            f"port {settings.grpc_port} is in use; using {second.grpc.number} for gRPC;"
            " choose with --grpc-port or ZOO_GRPC_PORT",
        ]


def test_a_forbidden_port_is_an_error_without_trying_the_next(tmp_path: Path):
    nowhere = "192.0.2.1"

    with pytest.raises(UnavailableError) as refused:
        listening(nowhere, free_port())

    assert refused.value.code == "cannot_listen"
    assert "ZOO_HOST" in str(refused.value.remedy)


def test_a_port_that_only_listens_does_not_answer():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

        assert not speaks_http2("127.0.0.1", port, timeout_seconds=0.1)
    assert not speaks_http2("127.0.0.1", port, timeout_seconds=0.1)


def test_a_grpc_server_answers_once_it_has_started():
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")

    before = speaks_http2("127.0.0.1", port, timeout_seconds=0.1)
    server.start()
    after = speaks_http2("127.0.0.1", port, timeout_seconds=HANG_SECONDS)
    server.stop(None)

    assert (before, after) == (False, True)
