"""Take away from this process all it does not need to turn bytes into samples. Linux; pure ctypes.

Two kernel mechanisms overlap on purpose: Landlock without a single rule (no path can be opened) and a seccomp
filter (no socket, no path, no new program, no other process). Where either is missing the level is "reduced".
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import platform
import resource
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import EngineError

Level = Literal["full", "reduced"]

SELF_TEST_SECONDS = 20.0
NOBODY = 65534

_PR_SET_NO_NEW_PRIVS = 38
_SYS_LANDLOCK_CREATE_RULESET = 444
_SYS_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_CREATE_RULESET_VERSION = 1
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_TSYNC = 1
_SECCOMP_RET_ALLOW = 0x7FFF0000
_SECCOMP_RET_ERRNO = 0x00050000
_SECCOMP_RET_KILL_PROCESS = 0x80000000
_CLONE_THREAD = 0x00010000
_X32_SYSCALL_BIT = 0x40000000
# They name the process that gets a signal when a descriptor is ready, and which signal: another way to kill.
_DENIED_FCNTL = (8, 10, 15)  # F_SETOWN F_SETSIG F_SETOWN_EX
_DENIED_IOCTL = (0x8901, 0x8902)  # FIOSETOWN SIOCSPGRP


@dataclass(frozen=True, slots=True)
class Limits:
    """`memory_bytes` is address space on top of what is mapped already; `cpu_seconds` counts from process start."""

    memory_bytes: int
    cpu_seconds: int


@dataclass(frozen=True, slots=True)
class SelfTest:
    level: Level
    escaped: tuple[str, ...]
    """Forbidden acts that the kernel did not stop; empty is what everybody wants to see."""


@dataclass(frozen=True, slots=True)
class _Architecture:
    audit: int
    seccomp: int
    clone: int
    fcntl: int
    ioctl: int
    denied: tuple[int, ...]


# Denied on both: processes (exec, signals, ptrace and their relatives), sockets, paths, mounts and namespaces,
# kernel interfaces with a history of holes (bpf, io_uring, userfaultfd, keys, perf), shared memory of other processes,
# and limits and priorities (also those of other processes). Numbers 424.. are the same on every architecture.
_DENIED_COMMON = (
    # pidfd_send_signal, io_uring_setup/enter/register, open_tree, move_mount, fsopen, fsconfig, fsmount, fspick
    *range(424, 434),
    434,  # pidfd_open
    437,  # openat2
    438,  # pidfd_getfd
    440,  # process_madvise
    442,  # mount_setattr
    447,  # memfd_secret
    448,  # process_mrelease
    452,  # fchmodat2
    *range(463, 467),  # setxattrat getxattrat listxattrat removexattrat
)

_X86_64 = _Architecture(
    audit=0xC000003E,
    seccomp=317,
    clone=56,
    fcntl=72,
    ioctl=16,
    denied=(
        *(41, 42, 43, 49, 50, 53, 288),  # socket connect accept bind listen socketpair accept4
        *(57, 58, 59, 322),  # fork vfork execve execveat
        *(62, 200, 234, 129, 297),  # kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo
        *(101, 310, 311, 312),  # ptrace process_vm_readv process_vm_writev kcmp
        *(2, 85, 257, 304, 303),  # open creat openat open_by_handle_at name_to_handle_at
        *(76, 82, 83, 84, 86, 87, 88),  # truncate rename mkdir rmdir link unlink symlink
        *(90, 91, 92, 93, 94, 132, 133, 235),  # chmod fchmod chown fchown lchown utime mknod utimes
        *range(188, 200),  # extended attributes: Landlock does not know them
        *(258, 259, 260, 261, 263, 264),  # mkdirat mknodat fchownat futimesat unlinkat renameat
        *(265, 266, 268, 280, 316),  # linkat symlinkat fchmodat utimensat renameat2
        *(80, 81, 161, 155, 165, 166),  # chdir fchdir chroot pivot_root mount umount2
        *(272, 308, 135),  # unshare setns personality
        *(248, 249, 250, 298, 321, 323),  # add_key request_key keyctl perf_event_open bpf userfaultfd
        *(175, 176, 313, 246, 320),  # init_module delete_module finit_module kexec_load kexec_file_load
        *(163, 164, 167, 168, 169, 170, 171),  # acct settimeofday swapon swapoff reboot sethostname setdomainname
        *(103, 172, 173, 179),  # syslog iopl ioperm quotactl
        *(253, 254, 294, 300),  # inotify_init inotify_add_watch inotify_init1 fanotify_init
        *(29, 30, 31, 64, 68, 240, 319),  # shmget shmat shmctl semget msgget mq_open memfd_create
        *(141, 142, 144, 203, 314, 251, 256, 279),  # setpriority sched_set* ioprio_set migrate_pages move_pages
        *(160, 302),  # setrlimit prlimit64
        *_DENIED_COMMON,
    ),
)

_AARCH64 = _Architecture(
    audit=0xC00000B7,
    seccomp=277,
    clone=220,
    fcntl=25,
    ioctl=29,
    denied=(
        *(198, 203, 202, 200, 201, 199, 242),  # socket connect accept bind listen socketpair accept4
        *(221, 281),  # execve execveat
        *(129, 130, 131, 138, 240),  # kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo
        *(117, 270, 271, 272),  # ptrace process_vm_readv process_vm_writev kcmp
        *(56, 265, 264),  # openat open_by_handle_at name_to_handle_at
        *(45, 34, 33, 35, 36, 37, 38, 276),  # truncate mkdirat mknodat unlinkat symlinkat linkat renameat renameat2
        *(52, 53, 54, 55, 88),  # fchmod fchmodat fchownat fchown utimensat
        *range(5, 17),  # extended attributes: Landlock does not know them
        *(49, 50, 51, 41, 40, 39),  # chdir fchdir chroot pivot_root mount umount2
        *(97, 268, 92),  # unshare setns personality
        *(217, 218, 219, 241, 280, 282),  # add_key request_key keyctl perf_event_open bpf userfaultfd
        *(105, 106, 273, 104, 294),  # init_module delete_module finit_module kexec_load kexec_file_load
        *(89, 170, 224, 225, 142, 161, 162),  # acct settimeofday swapon swapoff reboot sethostname setdomainname
        *(116, 60),  # syslog quotactl
        *(26, 27, 262),  # inotify_init1 inotify_add_watch fanotify_init
        *(194, 196, 195, 190, 186, 180, 279),  # shmget shmat shmctl semget msgget mq_open memfd_create
        *(140, 118, 119, 122, 274, 30, 238, 239),  # setpriority sched_set* ioprio_set migrate_pages move_pages
        *(164, 261),  # setrlimit prlimit64
        *_DENIED_COMMON,
    ),
)

_ARCHITECTURES = {"x86_64": _X86_64, "aarch64": _AARCH64}
_CLONE3 = 435


def lock_down(limits: Limits) -> Level:
    """Never to be undone. Call it with one thread running: Landlock binds the calling thread and its children."""
    if sys.platform != "linux":
        return "reduced"
    _set_limits(limits)
    libc = ctypes.CDLL(None, use_errno=True)
    _become_nobody()
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    landlocked = _forbid_paths(libc)
    filtered = _filter_syscalls(libc)
    return "full" if landlocked and filtered else "reduced"


def _set_limits(limits: Limits) -> None:
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for kind, value in (
        (resource.RLIMIT_AS, mapped + limits.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 16),
    ):
        resource.setrlimit(kind, (value, value))
    # One second between the signal that ends the process and the kill that follows where it is ignored.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))


def _become_nobody() -> None:
    if os.geteuid() != 0:
        return
    # A user namespace that does not map the number refuses; the other layers hold without it.
    with contextlib.suppress(OSError):
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def _forbid_paths(libc: ctypes.CDLL) -> bool:
    """A Landlock ruleset that handles every right the kernel knows and allows none.

    Source: https://docs.kernel.org/userspace-api/landlock.html (rights by ABI version).
    """
    abi = libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)
    if abi < 1:
        return False
    file_rights = 13 + (abi >= 2) + (abi >= 3) + (abi >= 5)
    attributes = struct.pack("=Q", (1 << file_rights) - 1)
    if abi >= 4:
        attributes += struct.pack("=Q", 0b11)  # bind and connect over TCP
    if abi >= 6:
        attributes += struct.pack("=Q", 0b11)  # abstract Unix sockets and signals to processes outside
    ruleset = libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        return bool(libc.syscall(_SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _filter_syscalls(libc: ctypes.CDLL) -> bool:
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None:
        return False
    instructions = _filter_program(architecture)
    code = ctypes.create_string_buffer(b"".join(instructions))
    program = ctypes.create_string_buffer(struct.pack("=H6xQ", len(instructions), ctypes.addressof(code)))
    result = libc.syscall(architecture.seccomp, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, program)
    return bool(result == 0)


def _filter_program(architecture: _Architecture) -> list[bytes]:
    """Classic BPF over `struct seccomp_data`: number at 0, architecture at 4, low halves of arguments at 16 and 24."""

    def load(offset: int) -> bytes:
        return struct.pack("=HBBI", 0x20, 0, 0, offset)

    def skip_unless_equal(value: int, skip: int) -> bytes:
        return struct.pack("=HBBI", 0x15, 0, skip, value)

    def give(action: int) -> bytes:
        return struct.pack("=HBBI", 0x06, 0, 0, action)

    refuse = give(_SECCOMP_RET_ERRNO | errno.EPERM)
    program = [
        load(4),
        struct.pack("=HBBI", 0x15, 1, 0, architecture.audit),
        give(_SECCOMP_RET_KILL_PROCESS),
        load(0),
        # The x32 numbers of x86-64 would be a way around the list.
        struct.pack("=HBBI", 0x35, 0, 1, _X32_SYSCALL_BIT),
        give(_SECCOMP_RET_KILL_PROCESS),
        # clone only for threads; clone3 hides its flags in memory, so "not implemented" sends libc back to clone.
        skip_unless_equal(architecture.clone, 4),
        load(16),
        struct.pack("=HBBI", 0x45, 0, 1, _CLONE_THREAD),
        give(_SECCOMP_RET_ALLOW),
        refuse,
        skip_unless_equal(_CLONE3, 1),
        give(_SECCOMP_RET_ERRNO | errno.ENOSYS),
    ]
    for number, commands in ((architecture.fcntl, _DENIED_FCNTL), (architecture.ioctl, _DENIED_IOCTL)):
        checks = [part for command in commands for part in (skip_unless_equal(command, 1), refuse)]
        program += [skip_unless_equal(number, len(checks) + 2), load(24), *checks, give(_SECCOMP_RET_ALLOW)]
    for number in architecture.denied:
        program += [skip_unless_equal(number, 1), refuse]
    return [*program, give(_SECCOMP_RET_ALLOW)]


def python_child(module: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Command and environment that run one of the engine's modules knowing nothing of this process's secrets."""
    root = str(Path(__file__).resolve().parent.parent)
    environment = {
        "PYTHONPATH": root,
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        # Threads of a linear algebra library would escape Landlock, arenas of malloc would eat the address space.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
    }
    return [sys.executable, "-P", "-s", "-m", module, *arguments], environment


def self_test() -> SelfTest:
    """Lock a throw-away process down and let it try what a taken-over decoder would. Raises EngineError."""
    command, environment = python_child("engine.sandbox")
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SELF_TEST_SECONDS,
            check=True,
        )
        report = json.loads(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        raise EngineError("sandbox_unavailable", f"The decoder's sandbox could not be tested: {error}.") from error
    return SelfTest(level=report["level"], escaped=tuple(report["escaped"]))


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _forbidden_acts() -> dict[str, Callable[[], object]]:
    ready_made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return {
        "open a file": lambda: os.open(__file__, os.O_RDONLY),
        "list a directory": lambda: os.listdir("/"),  # noqa: PTH208 - one system call, no layers
        "write a file": lambda: os.open("/tmp", os.O_TMPFILE | os.O_WRONLY),  # noqa: S108
        "open a TCP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "open a UDP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "open a Unix socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "connect": lambda: ready_made.connect(("127.0.0.1", 9)),
        "fork": _fork,
        "signal its parent": lambda: os.kill(os.getppid(), 0),
        "have its parent signalled": lambda: fcntl.fcntl(ready_made, fcntl.F_SETOWN, os.getppid()),
        "change rights of what it holds": lambda: os.fchmod(ready_made.fileno(), 0o777),
        "read attributes of a file": lambda: os.listxattr("/"),
        "signal itself": lambda: os.kill(os.getpid(), 0),
        "reach for its limits": lambda: resource.prlimit(0, resource.RLIMIT_CPU),
    }


def _was_denied(act: Callable[[], object]) -> bool:
    try:
        act()
    except OSError as error:
        return error.errno in (errno.EPERM, errno.EACCES)
    return False


def main() -> None:
    acts = _forbidden_acts()
    level = lock_down(Limits(memory_bytes=256 << 20, cpu_seconds=10))
    escaped = [name for name, act in acts.items() if not _was_denied(act)]
    # Where this is not refused, the program that runs instead of this one is left to report it.
    with contextlib.suppress(OSError):
        report = json.dumps({"level": level, "escaped": [*escaped, "run a program"]})
        os.execv(sys.executable, [sys.executable, "-c", "import sys; sys.stdout.write(sys.argv[1])", report])  # noqa: S606
    sys.stdout.write(json.dumps({"level": level, "escaped": escaped}))


if __name__ == "__main__":
    main()
