"""Runs in the sandbox and tries to get out. Prints, as a JSON list, what it could do that a program must not be able to do."""

import errno
import json
import os
import resource
import signal
import socket
import sys

given = json.load(sys.stdin)
cracks = []


def crack(text):
    cracks.append(text)


if 0 in (os.getuid(), os.geteuid(), os.getgid()):
    crack("programs run as root")

status = dict(line.split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
if status.get("NoNewPrivs", "").strip() != "1" or int(status.get("CapEff", "1").strip(), 16) != 0:
    crack("programs have or can get privileges")

# The network: this machine's own ports, an address outside, and devices other than the loopback.
for host, port in (("127.0.0.1", given["port"]), ("192.0.2.1", 9)):
    try:
        with socket.socket() as probe:
            probe.settimeout(2)
            probe.connect((host, port))
        crack("the network can be reached")
    except socket.timeout:
        crack("the network is silent, but there")
    except OSError:
        pass
try:
    if {name for _, name in socket.if_nameindex()} - {"lo"}:
        crack("there are network devices")
except OSError:
    pass  # The list itself is refused.
if hasattr(socket, "AF_VSOCK"):
    try:
        socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()
        crack("sockets to the host can be opened (vsock)")
    except OSError:
        pass

# The file system.
for folder in ("/", "/usr", "/usr/bin", "/etc", "/dev", "/proc", sys.prefix):
    try:
        file = os.path.join(folder, "r1-probe")
        open(file, "w").close()
        os.unlink(file)
        crack(f"{folder} can be written to")
    except OSError:
        pass
if os.path.exists(given["canary"]):
    crack("files of this machine can be seen")
for folder in ("/home", "/root", "/run", "/var", "/sys", "/mnt", "/etc/passwd"):
    if os.path.exists(folder):
        crack(f"{folder} can be seen")
room = os.statvfs("/tmp")
if room.f_blocks * room.f_frsize > 2**30:
    crack("/tmp has no limit")

# Processes: this one, and bubblewrap's own, which waits.
pids = [entry for entry in os.listdir("/proc") if entry.isdigit()]
if len(pids) > 3:
    crack("processes of this machine can be seen")
for pid in pids:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            names = {piece.split(b"=", 1)[0].decode() for piece in file.read().split(b"\0") if piece}
    except OSError:
        continue
    strange = names - {"PATH", "HOME", "LANG", "PWD", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "MALLOC_ARENA_MAX"}
    if strange:
        crack(f"environment variables can be read ({', '.join(sorted(strange))})")

# Limits, by their numbers, and the one that depends on who the user is by trying.
for name in ("AS", "CPU", "NPROC", "FSIZE", "NOFILE", "CORE"):
    if resource.getrlimit(getattr(resource, "RLIMIT_" + name))[1] == resource.RLIM_INFINITY:
        crack(f"there is no limit {name}")
children = []
try:
    while len(children) <= given["processes"]:
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)
except OSError as error:
    if error.errno != errno.EAGAIN:
        raise
if len(children) >= given["processes"]:
    crack("the number of processes has no limit")
if not children:
    crack("no process can be started, as the limit counts those of the user outside of the sandbox, too")
for child in children:
    os.kill(child, 9)
    os.waitpid(child, 0)

print(json.dumps(cracks))
