"""One job's life inside the sandbox: read the request, run the room, leave files behind.

The child knows its scratch folder and a pipe. It has no database, no store, no network and no
secret. It runs in a fork of the nursery, once, and then ends.
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


def live(order: Mapping[str, Any], messages: int) -> int:
    """Do the job that lies in the ordered folder.

    Args:
        order: ``folder``, ``cpu_seconds``, ``threads``, ``device`` and ``require_sandbox``.
        messages: Descriptor of the pipe to the supervisor.

    Returns:
        The exit status: 0 unless an error was reported.
    """
    writer = MessageWriter(messages)
    scratch = Scratch(Path(order["folder"]))
    try:
        settle(order, scratch)
        writer.say("running")
        _work(scratch, order["device"], writer)
    except Exception as error:  # noqa: BLE001 - the one place where a child's failure is told
        writer.say("error", **_told(error))
        return 1
    writer.say("done")
    return 0


def settle(order: Mapping[str, Any], scratch: Scratch) -> None:
    """Turn away from the terminal, raise the walls, take the threads that are due.

    Raises:
        UnavailableError: A wall is missing, and the order asks for all of them.
    """
    _redirect_output(scratch.log)
    cuda = order["device"] == "cuda"
    room = sandbox.SandboxPolicy(
        readable=(*sandbox.code_folders(), *sandbox.system_files(), scratch.folder),
        writable=(scratch.out, scratch.kept, scratch.tmp),
        devices=sandbox.device_files(cuda=cuda),
        cpu_seconds=order["cpu_seconds"],
        memory=sandbox.Memory.FREE if cuda else sandbox.Memory.LIMITED,
    )
    missing = sandbox.enter(room)
    if order["require_sandbox"]:
        sandbox.require_all(missing)
    torch.set_num_threads(order["threads"])


def _redirect_output(log: Path) -> None:
    """Nothing to read; whatever libraries print goes to a file beside the inputs."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.close(nothing)
    os.close(written)


def _work(scratch: Scratch, device: str, writer: MessageWriter) -> None:
    """Request in, room, result out."""
    request = json.loads(scratch.request.read_text())
    method = request["method"]
    params = method_named(method).params.model_validate(request["params"])
    inputs = inputs_of(request, scratch, device=device)
    result = method_package(method).run(
        inputs, params, Reporter(writer, scratch, request["origin"])
    )
    scratch.result.write_text(save(result, method, scratch.out).model_dump_json())


def _told(error: Exception) -> dict[str, Any]:
    """What the supervisor hears: the error for users, whether to try again, the trace to log.

    A typed error comes from the inputs and would come again; everything else is tried again.
    """
    trace = "".join(traceback.format_exception(error))[-20_000:]
    sys.stderr.write(trace)
    if isinstance(error, ZooError):
        told = {"code": error.code, "detail": error.detail, "remedy": error.remedy}
        return {"error": told, "again": isinstance(error, UnavailableError), "trace": trace}
    if is_out_of_memory(error):
        return {"error": OUT_OF_MEMORY, "again": True, "trace": trace}
    told = {
        "code": "internal",
        "detail": f"the method stopped with an unexpected {type(error).__name__}",
        "remedy": "retry the job; if it fails again, report it with the trace in the worker's log",
    }
    return {"error": told, "again": True, "trace": trace}
