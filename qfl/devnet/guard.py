"""Runs one program and sees that it does not outlive the process that asked for it.

    python -I -S guard.py GRACE_SECONDS LOCK PROGRAM [ARGUMENT ...]

Standard input is a pipe whose other end only the asking process holds: its end, however that process ends
(kill -9 too), ends the program, first by SIGTERM and after the grace period by SIGKILL. So do SIGTERM, SIGINT
and SIGHUP to the guard. The program's pid is the one line on standard output; the program's own output goes
to standard error. LOCK is a file that one program at a time may hold, or "" for none: it is locked (flock) until
the program is gone, also where that outlives its guard.

Started as a file of its own, with the standard library only: importing the package would take longer than
everything else.
"""

import fcntl
import os
import select
import signal
import subprocess
import sys

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def take_lock(path: str) -> int:
    """A descriptor of the locked file; ends this process where another program holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 64).decode(errors="replace").strip()
        sys.exit(f"{path} is in use by process {holder}: stop that one first, or choose another folder")
    return descriptor


def die_with_guard() -> None:
    """Have Linux end the program should the guard itself be killed. Elsewhere only the guard ends it."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def wait_for_a_reason_to_stop(program: subprocess.Popen[bytes], wakeups: int, parent: int) -> None:
    """Return when the program has ended, a stop signal came, or the asking process is gone."""
    standard_input = sys.stdin.fileno()
    while program.poll() is None:
        # The time-out is for one case only: a child forked by the asking process may hold the pipe after it.
        ready, _, _ = select.select([standard_input, wakeups], [], [], 1.0)
        if standard_input in ready or os.getppid() != parent:
            return
        if wakeups in ready and any(number in STOP_SIGNALS for number in os.read(wakeups, 512)):
            return


def main(arguments: list[str]) -> None:
    parent = os.getppid()
    grace_seconds, lock, command = float(arguments[0]), arguments[1], arguments[2:]
    held = [take_lock(lock)] if lock else []
    wakeups, wakeup_writer = os.pipe()
    os.set_blocking(wakeup_writer, False)
    signal.set_wakeup_fd(wakeup_writer)
    for number in (*STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)

    program = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=sys.stderr,
        pass_fds=held,
        preexec_fn=die_with_guard,  # noqa: PLW1509 - this process has one thread
    )
    for descriptor in held:
        os.pwrite(descriptor, f"{program.pid:<20}".encode(), 0)
    print(program.pid, flush=True)
    wait_for_a_reason_to_stop(program, wakeups, parent)
    program.terminate()
    try:
        program.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        program.kill()
    # Whatever the program started is in the guard's group, and so is the guard.
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
