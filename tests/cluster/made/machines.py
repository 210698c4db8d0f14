"""Machines made of Linux namespaces: each has its own processes, network, host name, home and /tmp.

They hang on one switch that leads nowhere else, and answer to ssh, so that `ray up` finds what it
finds on real ones: power can be cut, and cables pulled.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

USER = "ubuntu"  # has the id of root: there is no other in here
TOOLS = ("unshare", "nsenter", "ip", "sshd", "ssh", "ssh-keygen", "rsync", "make")
_NETWORK = "10.77.0"
_FIRST_PROCESS = Path(__file__).with_name("first_process.sh")
_PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NAMESPACES = ("--pid", "--net", "--mount", "--uts", "--ipc")
_SSHD = """\
HostKey {room}/host_key
AuthorizedKeysFile {room}/key.pub
StrictModes no
PasswordAuthentication no
UsePAM no
PidFile none
MaxSessions 100
MaxStartups 100
"""
# A machine with nothing else to do starts Ray in seconds; these share the cores of one.
_BASHRC = """\
export RAY_raylet_start_wait_time_s=240 RAY_agent_register_timeout_ms=240000
export RAY_USAGE_STATS_ENABLED=0 OMP_NUM_THREADS=1
"""


def missing() -> str | None:
    """Return why no machines can be made here; None where they can."""
    if sys.platform != "linux":
        return "machines are made of Linux namespaces"
    if os.geteuid() != 0:
        return "namespaces and their network need root"
    lacking = [tool for tool in TOOLS if shutil.which(tool, path=_PATHS) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)}"
    tried = subprocess.run(
        ["unshare", *_NAMESPACES, "--fork", "true"], check=False, capture_output=True
    )
    return f"no namespaces here: {tried.stderr.decode().strip()}" if tried.returncode else None


class Machines:
    """Several machines, all off at first.

    Args:
        room: a directory below /tmp, which takes their disks; `shared` in it is at /mnt/shared of
            each, like a network file system.
        names: of the machines.
    """

    def __init__(self, room: Path, names: Sequence[str]) -> None:
        self.room = room
        self.addresses = {name: f"{_NETWORK}.{11 + i}" for i, name in enumerate(names)}
        self._on: dict[str, subprocess.Popen[bytes]] = {}
        self._furnish()
        self._switch = _unshare(["--net"], ["sleep", "infinity"], room / "switch.log")
        _wait_for(lambda: _child(self._switch) is not None, "the switch")
        bridge = "ip link set lo up; ip link add br0 type bridge; ip link set br0 up"
        self._at_switch(f"{bridge}; ip addr add {_NETWORK}.1/24 dev br0")

    def power_on(self, name: str) -> None:
        """Start a machine, with what its disk holds, and wait for its sshd."""
        address = self.addresses[name]
        command = ["bash", str(_FIRST_PROCESS), str(self.room), name, address]
        options = [*_NAMESPACES, "--propagation", "private"]
        self._on[name] = _unshare(options, command, self.room / f"{name}.log")
        _wait_for(lambda: _child(self._on[name]) is not None, name)
        cable = f"v{address.rpartition('.')[2]}"
        self._at_switch(
            f"ip link del {cable} 2>/dev/null; "
            f"ip link add {cable} type veth peer name eth0 netns {self._pid(name)} && "
            f"ip link set {cable} master br0 up"
        )
        self._plug(name, f"ip link set lo up; ip addr add {address}/24 dev eth0")
        _wait_for(lambda: self._answers(name), f"sshd of {name}")

    def power_off(self, name: str) -> None:
        """End every process of a machine at once."""
        os.kill(self._pid(name), signal.SIGKILL)
        self._on.pop(name).wait()

    def unplug(self, name: str) -> None:
        """Pull the cable of a machine."""
        self._inside(name, ["--net"], "ip link set eth0 down")

    def plug_in(self, name: str) -> None:
        """Put it back."""
        self._plug(name, "true")

    def start(self, name: str, command: str) -> subprocess.Popen[str]:
        """Start a command in a login shell of a machine."""
        variables = {"HOME": f"/home/{USER}", "USER": USER, "LANG": "C.UTF-8", "PATH": _PATHS}
        shell = ["bash", "--login", "-c", f"cd; source ~/.bashrc; {command}"]
        return subprocess.Popen(
            ["nsenter", "-t", str(self._pid(name)), *_NAMESPACES, "--", *shell],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, name: str, command: str, seconds: float) -> tuple[int, str]:
        """Run a command on a machine; return its exit status and what it said."""
        process = self.start(name, command)
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"{command!r} took more than {seconds} s on {name}") from None
        return process.returncode, output

    def disk(self, name: str) -> Path:
        """Return where the home, /tmp and /mnt of a machine are."""
        return self.room / name

    def close(self) -> None:
        """End all machines and the switch."""
        for name in list(self._on):
            self.power_off(name)
        if switch := _child(self._switch):
            os.kill(switch, signal.SIGKILL)
        self._switch.wait()

    def _furnish(self) -> None:
        """Write what the machines share: keys, users, names, Python; and what each has at first."""
        room = self.room
        (room / "shared").mkdir(parents=True)
        for key in ("key", "host_key"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(room / key)]
            subprocess.run(command, check=True)
        (room / "sshd_config").write_text(_SSHD.format(room=room))
        others = Path("/etc/passwd").read_text()
        user = f"{USER}:x:0:0::/home/{USER}:/bin/bash\n"  # first: who has this id has this name
        (room / "passwd").write_text(user + others)
        hosts = [f"{address} {name}" for name, address in self.addresses.items()]
        (room / "hosts").write_text("\n".join(["127.0.0.1 localhost", *hosts]) + "\n")
        make_environment(room / "venv")
        for name in self.addresses:
            self._furnish_one(room / name)

    def _furnish_one(self, own: Path) -> None:
        for part in ("home/.ssh", "mnt/shared", "tmp"):
            (own / part).mkdir(parents=True)
        shutil.copy(self.room / "key", own / "home/.ssh/id_ed25519")
        quiet = "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n"
        (own / "home/.ssh/config").write_text(f"{quiet}User {USER}\n")
        (own / "home/.bashrc").write_text(_BASHRC)

    def _pid(self, name: str) -> int:
        pid = _child(self._on[name])
        assert pid is not None, f"{name} is off"
        return pid

    def _at_switch(self, commands: str) -> None:
        _enter(_child(self._switch), ["--net"], commands)

    def _inside(self, name: str, namespaces: Sequence[str], commands: str) -> None:
        _enter(self._pid(name), namespaces, commands)

    def _plug(self, name: str, before: str) -> None:
        # Ray finds its address by the way out, although nothing is there
        after = f"ip link set eth0 up; ip route replace default via {_NETWORK}.1"
        self._inside(name, ["--net"], f"{before}; {after}")

    def _answers(self, name: str) -> bool:
        greeting = f"read -t 5 line < /dev/tcp/{self.addresses[name]}/22"
        command = ["nsenter", "-t", str(self._pid(name)), "--net", "bash", "-c", greeting]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0


def make_environment(directory: Path) -> None:
    """Make a virtual environment with the libraries of this one, but without our packages.

    `make setup` finds it up to date, and does nothing.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(directory)], check=True)
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    (site,) = directory.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text("\n".join(libraries) + "\n")
    ray = directory / "bin/ray"
    call = "import sys\nfrom ray.scripts.scripts import main\nsys.exit(main())\n"
    ray.write_text(f"#!{directory}/bin/python\n{call}")
    ray.chmod(0o755)
    for stamp in (".runtime-is-up-to-date", ".development-is-up-to-date"):
        (directory / stamp).touch()


def _unshare(options: Sequence[str], command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    variables = {"PATH": _PATHS, "HOME": f"/home/{USER}", "USER": USER, "LANG": "C.UTF-8"}
    with log.open("ab") as output:
        return subprocess.Popen(
            ["unshare", *options, "--fork", "--kill-child", "--", *command],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def _child(process: subprocess.Popen[bytes]) -> int | None:
    """Return the process that `unshare` has forked: the first one of its namespaces."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    pids = children.read_text().split() if children.exists() else []
    return int(pids[0]) if pids else None


def _enter(pid: int | None, namespaces: Sequence[str], commands: str) -> None:
    command = ["nsenter", "-t", str(pid), *namespaces, "bash", "-c", commands]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{commands}: {done.stderr}"


def _wait_for(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come up within {seconds:g} s"
        time.sleep(0.1)
