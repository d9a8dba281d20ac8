"""A filter in the kernel that forbids system calls no worker ever needs, those for sockets and programs above all.

What it rests on: seccomp in filter mode (seccomp(2); Linux, Documentation/userspace-api/seccomp_filter.rst). Programs
that do this with libseccomp need it installed; a list of forbidden calls is a few lines of classic BPF.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass

from forensics.confinement.kernel import call, give_up_privileges

SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_TSYNC = 1
SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4
"""linux/seccomp.h. All threads at once; and before Linux 5.16 a filter slowed every load down after a store, else."""

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
"""linux/seccomp.h: SECCOMP_RET_ALLOW and SECCOMP_RET_ERRNO, which takes the error in its lower half."""

LOAD, IS, IS_AT_LEAST, HAS_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""linux/bpf_common.h: BPF_LD|W|ABS, BPF_JMP with JEQ, JGE and JSET against a constant, BPF_RET."""

NUMBER_AT, ARCHITECTURE_AT, FIRST_ARGUMENT_AT = 0, 4, 16
"""Offsets in struct seccomp_data (linux/seccomp.h); of an argument, the lower half on little-endian machines."""

X32 = 0x40000000
"""Of x86-64: calls of its x32 variant have this bit and would pass by the list (asm/unistd.h)."""

CLONE_THREAD = 0x00010000
"""linux/sched.h: what is made is a thread of this process."""


@dataclass(frozen=True)
class Architecture:
    """Numbers of one kind of machine (linux/audit.h, asm/unistd.h).

    Attributes:
        audit: its name in struct seccomp_data.
        seccomp, clone, clone3: calls that the filter is made of.
        forbidden: sockets, also by io_uring; programs; processes; other processes' memory and open files; what Landlock
            leaves alone of files: modes, owners, time stamps and attributes.
    """

    audit: int
    seccomp: int
    clone: int
    clone3: int
    forbidden: dict[str, int]


ARCHITECTURES = {
    "x86_64": Architecture(
        audit=0xC000003E,
        seccomp=317,
        clone=56,
        clone3=435,
        forbidden={
            "socket": 41,
            "io_uring_setup": 425,
            "execve": 59,
            "execveat": 322,
            "fork": 57,
            "vfork": 58,
            "ptrace": 101,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "pidfd_getfd": 438,
            "chmod": 90,
            "fchmod": 91,
            "fchmodat": 268,
            "fchmodat2": 452,
            "chown": 92,
            "fchown": 93,
            "lchown": 94,
            "fchownat": 260,
            "utime": 132,
            "utimes": 235,
            "futimesat": 261,
            "utimensat": 280,
            "setxattr": 188,
            "lsetxattr": 189,
            "fsetxattr": 190,
            "setxattrat": 463,
            "removexattr": 197,
            "lremovexattr": 198,
            "fremovexattr": 199,
            "removexattrat": 466,
        },
    ),
    "aarch64": Architecture(
        audit=0xC00000B7,
        seccomp=277,
        clone=220,
        clone3=435,
        forbidden={
            "socket": 198,
            "io_uring_setup": 425,
            "execve": 221,
            "execveat": 281,
            "ptrace": 117,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "pidfd_getfd": 438,
            "fchmod": 52,
            "fchmodat": 53,
            "fchmodat2": 452,
            "fchown": 55,
            "fchownat": 54,
            "utimensat": 88,
            "setxattr": 5,
            "lsetxattr": 6,
            "fsetxattr": 7,
            "setxattrat": 463,
            "removexattr": 14,
            "lremovexattr": 15,
            "fremovexattr": 16,
            "removexattrat": 466,
        },
    ),
}
"""Machine -> its numbers; aarch64 does with fewer: fork is clone there, chmod is fchmodat."""


class _Program(ctypes.Structure):
    """struct sock_fprog (linux/filter.h)."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid_calls() -> None:
    """Forbid them to this process, with all its threads, until it ends. They fail with EACCES from now on.

    Its line to the parent is open by then, and reading and writing it need no socket call.

    Raises:
        OSError: not on Linux, or a kernel or machine that cannot.
    """
    machine = ARCHITECTURES.get(platform.machine())
    if sys.platform != "linux" or machine is None or sys.maxsize < 2**32:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    code = program(machine)
    give_up_privileges()
    flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW
    filled = _Program(len(code), b"".join(struct.pack("=HBBI", *line) for line in code))
    if call(machine.seccomp, SECCOMP_SET_MODE_FILTER, flags, filled) != 0:
        raise OSError(errno.ESRCH, "a thread could not be confined")


def program(machine: Architecture) -> list[tuple[int, int, int, int]]:
    """The filter: (code, lines to skip if so, lines to skip if not, constant) a line (struct sock_filter).

    Threads are allowed and processes are not. The flags of clone3 lie in memory, where no filter can read them: it is
    said not to exist, and the C library takes clone.
    """
    refuse = (RETURN, 0, 0, ERRNO | errno.EACCES)
    lines = [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (IS, 1, 0, machine.audit),
        refuse,
        (LOAD, 0, 0, NUMBER_AT),
        (IS_AT_LEAST, 0, 1, X32),
        refuse,
        (IS, 0, 1, machine.clone3),
        (RETURN, 0, 0, ERRNO | errno.ENOSYS),
    ]
    for number in machine.forbidden.values():
        lines += [(IS, 0, 1, number), refuse]
    return [
        *lines,
        (IS, 0, 3, machine.clone),
        (LOAD, 0, 0, FIRST_ARGUMENT_AT),
        (HAS_BITS, 1, 0, CLONE_THREAD),
        refuse,
        (RETURN, 0, 0, ALLOW),
    ]
