"""A system-call filter: no sockets, no other processes, no privileges, no kernel interfaces.

Neither the owner, mode, times nor attributes of a file can be changed, since inputs are hard links
into the store.

It lists the refused calls, because what torch needs varies with its build and the processor.
Refused calls return EPERM, so that libraries can do without. Threads may be created, processes not.

Source: Linux, Documentation/userspace-api/seccomp_filter.rst; numbers from the kernel's tables.
"""

import ctypes
import errno
import os
import platform
from dataclasses import dataclass

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x00010000
_X32_NUMBERS = 0x40000000

# name: (x86-64, arm64); None where the architecture has no such call
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "accept": (43, 202),
    "accept4": (288, 242), "bind": (49, 200), "listen": (50, 201), "sendto": (44, 206),
    "sendmsg": (46, 211), "sendmmsg": (307, 269), "recvmsg": (47, 212),
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "setpgid": (109, 154),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "fsopen": (430, 430), "fsmount": (432, 432),
    "fsconfig": (431, 431), "fspick": (433, 433), "move_mount": (429, 429),
    "open_tree": (428, 428), "mount_setattr": (442, 442), "mknod": (133, None),
    "mknodat": (259, 33), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "symlink": (88, None), "symlinkat": (266, 36), "link": (86, None), "linkat": (265, 37),
    "setuid": (105, 146), "setgid": (106, 144), "setreuid": (113, 145), "setregid": (114, 143),
    "setresuid": (117, 147), "setresgid": (119, 149), "setgroups": (116, 159),
    "setfsuid": (122, 151), "setfsgid": (123, 152), "capset": (126, 91),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "fanotify_init": (300, 262),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "syslog": (103, 116), "sethostname": (170, 161), "setdomainname": (171, 162),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266),
    "adjtimex": (159, 171), "iopl": (172, None), "ioperm": (173, None), "vhangup": (153, 58),
    "personality": (135, 92), "modify_ldt": (154, None), "process_mrelease": (448, 448),
    "open_tree_attr": (467, 467), "quotactl_fd": (443, 443),
    # Landlock guards the content of files, not their owner, mode, times and attributes.
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None),
    "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "setxattrat": (463, 463), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
    "file_setattr": (469, 469), "inotify_add_watch": (254, 27),
    # Scheduling, of this process and of others.
    "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
    # Memory and messages that processes of one user share by number or name.
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190),
    "semop": (65, 193), "semtimedop": (220, 192), "semctl": (66, 191), "msgget": (68, 186),
    "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187), "mq_open": (240, 180),
    "mq_unlink": (241, 181),
}  # fmt: skip

# Allowed where the first argument is this process's own id.
_SIGNALS: dict[str, tuple[int | None, int | None]] = {
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
}  # fmt: skip

# Allowed where the first argument is this process's own id, or 0, which means the same.
_OWN_PROCESS: dict[str, tuple[int | None, int | None]] = {
    "prlimit64": (302, 261), "sched_setaffinity": (203, 122), "migrate_pages": (256, 238),
    "move_pages": (279, 239), "get_robust_list": (274, 100),
}  # fmt: skip


_Step = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Architecture:
    """The column of an architecture in the table, and its clone calls."""

    audit: int
    column: int
    clone: int
    clone3: int


_ARCHITECTURES = {
    "x86_64": _Architecture(0xC000003E, 0, clone=56, clone3=435),
    "aarch64": _Architecture(0xC00000B7, 1, clone=220, clone3=435),
}


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("then", ctypes.c_uint8),
        ("otherwise", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("program", ctypes.POINTER(_Instruction)))


def restrict() -> None:
    """Filter the system calls of this process for good. Raises OSError where that is impossible."""
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None:
        raise OSError(errno.ENOSYS, f"no system-call table for {platform.machine()}")
    steps = program(architecture, pid=os.getpid())
    array = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    filtered = _Filter(len(steps), array)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(filtered), 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp: {os.strerror(code)}")


def program(architecture: _Architecture, *, pid: int) -> list[_Step]:
    """The filter of the process ``pid`` as (code, jump if true, jump if false, value)."""
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, architecture.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _X32_NUMBERS),
        refuse,
        # glibc falls back to clone, whose flags a filter can read.
        (_EQUAL, 0, 1, architecture.clone3),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]
    for numbers in _REFUSED.values():
        number = numbers[architecture.column]
        if number is not None:
            steps += [(_EQUAL, 0, 1, number), refuse]
    for calls, ids in ((_SIGNALS, (pid,)), (_OWN_PROCESS, (0, pid))):
        for numbers in calls.values():
            steps += _on_ids(numbers[architecture.column], ids)
    return [
        *steps,
        (_EQUAL, 0, 4, architecture.clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_AND, 0, 0, _CLONE_THREAD),
        (_EQUAL, 0, 1, 0),
        refuse,
        (_RETURN, 0, 0, _ALLOW),
    ]


def _on_ids(number: int | None, ids: tuple[int, ...]) -> list[_Step]:
    """Steps that allow a call if its first argument is one of the process ids, else refuse it."""
    if number is None:
        return []
    return [
        (_EQUAL, 0, len(ids) + 3, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        *((_EQUAL, len(ids) - index, 0, allowed) for index, allowed in enumerate(ids)),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
