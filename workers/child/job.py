"""One job inside the sandbox: read the request, run the method, write files.

The child has its scratch folder and a pipe. It has no database, no store, no network and no
secret. It is forked from the fork server, runs one job and exits.
"""

import json
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from service.core.catalog import method_named
from service.core.errors import UnavailableError, ZooError
from workers.child.load.inputs import inputs_of
from workers.child.reporter import Reporter
from workers.child.save.results import save
from workers.isolation import sandbox
from workers.isolation.pipe import MessageWriter
from workers.isolation.workdir import Scratch
from workers.methods import method_package
from workers.programs.machine_faults import is_out_of_memory

OUT_OF_MEMORY = {
    "code": "out_of_memory",
    "detail": "the job needed more memory than there is",
    "remedy": "use fewer or smaller images, a smaller network, or a larger machine",
}


def run(config: Mapping[str, Any], messages: int) -> int:
    """Run the job in the configured folder.

    Args:
        config: ``folder``, ``cpu_seconds``, ``threads``, ``device`` and ``require_sandbox``.
        messages: Descriptor of the pipe to the worker.

    Returns:
        The exit status: 0 unless an error was reported.
    """
    writer = MessageWriter(messages)
    scratch = Scratch(Path(config["folder"]))
    try:
        enter_sandbox(config, scratch)
        writer.send("running")
        _run_method(scratch, config["device"], writer)
    except Exception as error:  # noqa: BLE001 - the only handler of a job's failures
        writer.send("error", **_error_message(error))
        return 1
    writer.send("done")
    return 0


def enter_sandbox(config: Mapping[str, Any], scratch: Scratch) -> None:
    """Redirect the output, enter the sandbox and set the number of threads.

    Raises:
        UnavailableError: A sandbox layer is missing and the configuration requires all of them.
    """
    _redirect_output(scratch.log)
    cuda = config["device"] == "cuda"
    policy = sandbox.SandboxPolicy(
        readable=(*sandbox.code_folders(), *sandbox.system_files(), scratch.folder),
        writable=(scratch.out, scratch.updates, scratch.tmp),
        devices=sandbox.device_files(config["device"]),
        cpu_seconds=config["cpu_seconds"],
        memory=sandbox.Memory.FREE if cuda else sandbox.Memory.LIMITED,
    )
    missing = sandbox.enter(policy)
    if config["require_sandbox"]:
        sandbox.require_all(missing)
    torch.set_num_threads(config["threads"])


def _redirect_output(log: Path) -> None:
    """Give the process an empty input; what libraries print goes to a file beside the inputs."""
    empty_input = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(empty_input, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(empty_input)
    os.close(output)


def _run_method(scratch: Scratch, device: str, writer: MessageWriter) -> None:
    """Read the request, run its method, write the result."""
    request = json.loads(scratch.request.read_text())
    method = request["method"]
    params = method_named(method).params.model_validate(request["params"])
    inputs = inputs_of(request, scratch, device=device)
    result = method_package(method).run(
        inputs, params, Reporter(writer, scratch, request["origin"])
    )
    scratch.result.write_text(save(result, method, scratch.out).model_dump_json())


def _error_message(error: Exception) -> dict[str, Any]:
    """The error for users, whether the job can be retried, and the trace to log.

    A typed error is caused by the inputs and would recur; every other error is retried.
    """
    trace = "".join(traceback.format_exception(error))[-20_000:]
    sys.stderr.write(trace)
    if isinstance(error, ZooError):
        details = {"code": error.code, "detail": error.detail, "remedy": error.remedy}
        return {"error": details, "retryable": isinstance(error, UnavailableError), "trace": trace}
    if is_out_of_memory(error):
        return {"error": OUT_OF_MEMORY, "retryable": True, "trace": trace}
    details = {
        "code": "internal",
        "detail": f"the method stopped with an unexpected {type(error).__name__}",
        "remedy": "retry the job; if it fails again, report it with the trace in the worker's log",
    }
    return {"error": details, "retryable": True, "trace": trace}
