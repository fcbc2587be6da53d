"""The development network."""

from __future__ import annotations

from pathlib import Path

from qfl.errors.base import QflError


class DevnetError(QflError):
    """The development network did not do what was asked."""

    exit_code = 7


class PortInUse(DevnetError):
    """A port that was asked for is taken."""

    def __init__(self, port: int, what: str) -> None:
        super().__init__(f"port {port} for {what} is in use: free it, or choose another (0: any free one)")
        self.port, self.what = port, what


class ProgramMissing(DevnetError):
    """A program that the devnet runs is not installed."""

    def __init__(self, program: str, remedy: str) -> None:
        super().__init__(f"{program} is not installed: {remedy}")
        self.program, self.remedy = program, remedy


class DidNotStart(DevnetError):
    """A program ended while it was starting, or never answered."""

    def __init__(self, program: str, log_path: Path, last_lines: str) -> None:
        super().__init__(f"{program} did not start; its log {log_path} ends with:\n{last_lines}")
        self.program, self.log_path, self.last_lines = program, log_path, last_lines


class DevnetPartEnded(DevnetError):
    """A program of a running devnet ended by itself."""

    def __init__(self, program: str, log_path: Path, last_lines: str) -> None:
        super().__init__(f"{program} has ended; its log {log_path} ends with:\n{last_lines}")
        self.program, self.log_path, self.last_lines = program, log_path, last_lines


class PartNotConfigured(DevnetError):
    """A part was asked for that this devnet does not run."""

    def __init__(self, part: str) -> None:
        super().__init__(f"this devnet runs no {part}: start it with one, or use the address of your own")
        self.part = part


class DevnetRunning(DevnetError):
    """Another process runs a devnet in the same folder."""

    def __init__(self, folder: Path, pid: int) -> None:
        super().__init__(
            f"process {pid} runs a devnet in {folder}: use that one, choose another --folder, or end it with "
            f"`qfl devnet down --folder {folder}`"
        )
        self.folder, self.pid = folder, pid


class RunGoesOn(DevnetError):
    """Another process runs a job in the same folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"a run goes on in {folder}: wait until it has ended, end it, or choose another folder")
        self.folder = folder


class DevnetStateDamaged(DevnetError):
    """A devnet is up, and a file in which it says so cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is damaged ({reason}): end the devnet with `qfl devnet down`, and start it again")
        self.path, self.reason = path, reason


class NoDevnet(DevnetError):
    """No devnet is up in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"no devnet is up in {folder}: start one with `qfl devnet up --folder {folder}`")
        self.folder = folder


class DevnetStuck(DevnetError):
    """A devnet was told to end and has not."""

    def __init__(self, folder: Path, pid: int) -> None:
        super().__init__(f"the devnet in {folder} does not end: see its logs, then `kill -9 {pid}`")
        self.folder, self.pid = folder, pid
