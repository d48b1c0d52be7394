"""One job inside the sandbox: read the request, run the method, write files.

The child has its scratch folder and a pipe. It has no database, no store, no network and no
secret. It is forked from the fork server, runs one job and exits.
"""

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from service.core.byte_sizes import in_words
from service.core.catalog import MethodKind, method_named
from service.core.errors import UnavailableError, ZooError
from service.core.machine_faults import machine_fault_in
from workers.child.load.inputs import inputs_of
from workers.child.reporter import Reporter
from workers.child.save.results import save
from workers.isolation import memory, sandbox
from workers.isolation.pipe import MessageWriter
from workers.isolation.workdir import Scratch
from workers.methods import method_package
from workers.programs.machine_faults import is_out_of_memory

_MEASURING = frozenset({MethodKind.GRAPH, MethodKind.HEAT_MAPS})
_SMALLER = "use fewer or smaller images or a smaller network, or raise ZOO_JOB_MEMORY_BYTES"


def run(config: Mapping[str, Any], messages: int) -> int:
    """Run the job in the configured folder.

    Args:
        config: ``folder``, ``cpu_seconds``, ``memory_bytes``, ``threads``, ``device`` and
            ``require_sandbox``.
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
        writer.send("error", **error_message(error, config["memory_bytes"]))
        return 1
    writer.send("done")
    return 0


def enter_sandbox(config: Mapping[str, Any], scratch: Scratch) -> None:
    """Redirect the output, take the job's name, enter the sandbox and set the number of threads.

    Raises:
        UnavailableError: A sandbox layer is missing and the configuration requires all of them.
    """
    _redirect_output(scratch.log)
    sandbox.name_process(scratch.owner)
    policy = sandbox.SandboxPolicy(
        readable=(*sandbox.code_folders(), *sandbox.system_files(), scratch.folder),
        writable=(scratch.out, scratch.updates, scratch.tmp),
        devices=sandbox.device_files(config["device"]),
        cpu_seconds=config["cpu_seconds"],
        memory_bytes=config["memory_bytes"],
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
    writer.begin_phase("load")
    request = json.loads(scratch.request.read_text())
    method = request["method"]
    spec = method_named(method)
    params = spec.params.model_validate(request["params"])
    if spec.kind in _MEASURING:
        memory.reuse_freed_memory()
    inputs = inputs_of(request, scratch, device=device)
    writer.begin_phase("run")
    result = method_package(method).run(
        inputs, params, Reporter(writer, scratch, request["origin"])
    )
    writer.begin_phase("write")
    scratch.result.write_text(save(result, method, scratch.out).model_dump_json())


def error_message(error: Exception, share_bytes: int | None) -> dict[str, Any]:
    """The error for users, whether the job can be retried, and the trace to log.

    A typed error is caused by the inputs and would recur, as does a job that exceeds its share of
    the memory; every other error is retried. After a fault of the machine the job waits.
    """
    trace = "".join(traceback.format_exception(error))[-20_000:]
    with contextlib.suppress(OSError):
        # The log is on the disk that may be what failed; the worker logs the trace as well.
        sys.stderr.write(trace)
    if isinstance(error, ZooError):
        details = {"code": error.code, "detail": error.detail, "remedy": error.remedy}
        return {"error": details, "retryable": isinstance(error, UnavailableError), "trace": trace}
    if is_out_of_memory(error):
        own = share_bytes is not None and memory.refusals_are_own()
        return {"error": out_of_memory(share_bytes), "retryable": not own, "trace": trace}
    fault = machine_fault_in(error)
    if fault is not None:
        details = {"code": fault.code, "detail": fault.detail, "remedy": fault.remedy}
        return {"error": details, "retryable": True, "trace": trace}
    details = {
        "code": "internal",
        "detail": f"the method stopped with an unexpected {type(error).__name__}",
        "remedy": "retry the job; if it fails again, report it with the trace in the worker's log",
    }
    return {"error": details, "retryable": True, "trace": trace}


def out_of_memory(share_bytes: int | None) -> dict[str, Any]:
    """The error of a process that asked for more memory than its share, or than there is."""
    limit = "there is" if share_bytes is None else f"its share of {in_words(share_bytes)}"
    return {
        "code": "out_of_memory",
        "detail": f"the job needed more memory than {limit}",
        "remedy": _SMALLER,
    }
