"""The gRPC server runs as a process of its own, tells its health, and ends when asked."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service.embedded.ports import free_port
from tests.waiting import HANG_SECONDS, eventually


def _is_serving(port: int) -> bool:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=HANG_SECONDS
            )
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def test_the_process_serves_and_ends_by_a_signal(database_url: str, tmp_path: Path):
    port = free_port()
    environment = {
        **os.environ,
        "ZOO_HOME": str(tmp_path / "home"),
        "ZOO_DATABASE_URL": database_url,
        "ZOO_GRPC_PORT": str(port),
    }
    process = subprocess.Popen([sys.executable, "-m", "service.rpc"], env=environment)
    try:
        eventually(lambda: process.poll() is not None or _is_serving(port))
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)

        assert process.wait(HANG_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def test_the_server_loads_no_torch():
    code = (
        "import sys, service.rpc.server; "
        "print(sorted({'torch', 'numpy', 'fastapi'} & set(sys.modules)))"
    )

    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert completed.stdout.strip() == "[]"
