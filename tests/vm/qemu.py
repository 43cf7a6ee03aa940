# SPDX-License-Identifier: GPL-2.0-only
"""The machine: QEMU and the virtiofs daemons beside it, QMP, and reading the guest's memory."""

import functools
import json
import os
import re
import shutil
import socket
import subprocess

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
VIRTIOFSD = "/usr/lib/qemu/virtiofsd"

# File systems that are no place for files, and directories of which the guest has its own
PSEUDO = set("autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs fusectl hugetlbfs mqueue nsfs "
             "proc pstore rpc_pipefs securityfs sysfs tracefs".split())
OWN = ("/proc", "/sys", "/dev", "/run")


# By Debian's name for an architecture: QEMU's name for it, the machine, and the CPU unless told otherwise.
EMULATED = {"amd64": ("x86_64", "q35", "max"),
            # The architecture's own way to sign pointers takes TCG longer than all the rest.
            "arm64": ("aarch64", "virt", "max,pauth-impdef=on")}


@functools.cache
def emulator(arch="amd64"):
    """QEMU and where its files are, as the head of an argument list. May take a download."""
    name = EMULATED[arch][0]
    below = subprocess.run([f"{TOP}/scripts/qemu-fetch", name], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    if below == "/":
        return [f"qemu-system-{name}"]
    return [f"{below}/usr/bin/qemu-system-{name}", "-L", f"{below}/usr/share/qemu", "-L", f"{below}/usr/share/seabios"]


def mount_points():
    """Where the host has real file systems mounted, besides /."""
    points = []
    with open("/proc/self/mountinfo") as lines:
        for line in lines:
            left, right = line.split(" - ", 1)
            point = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), left.split()[4])
            if point != "/" and not hidden(point) and right.split()[0] not in PSEUDO:
                points.append(point)
    return points


def hidden(path):
    """Does the guest have a file system of its own there?"""
    return any(path == top or path.startswith(top + "/") for top in OWN)


def start(arguments, fds=(), **options):
    """A child that cannot outlive us, whatever becomes of us."""
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *arguments], stdin=subprocess.DEVNULL, pass_fds=fds,
                            start_new_session=True, **options)


class Machine:
    def __init__(self, options, tmp):
        """options: arch, kernel_dir, initrd, cmdline, smp, mem, icount, accel, turns, alone, dump_on_reset; cpu, share, disk (or None); trace."""
        self.children, self.sockets = [], []
        self.console = f"{tmp}/console"
        self.errors = open(f"{tmp}/errors", "w+")
        self.arguments, self.fds = [], []
        self.negotiated = False
        if not options.alone:
            self._root(tmp)
        if options.share:
            self._filesystem("share", lambda fd: [
                VIRTIOFSD, f"--fd={fd}", "-o", f"source={options.share}", "-o", "sandbox=chroot", "-o", "cache=auto",
                "-o", "log_level=err"])
        if options.disk:
            self.arguments += ["-blockdev", json.dumps({"driver": "file", "filename": options.disk, "node-name": "disk"}),
                               "-device", "virtio-blk-pci,drive=disk"]
        self.port = self._chardev("port")
        self.qmp_socket = self._chardev("qmp")
        self.monitor = self.qmp_socket.makefile("rw", encoding="utf-8")
        self.qemu = self._spawn([*emulator(options.arch), *self._machine(options), *self.arguments], self.fds)
        for end in self.sockets:
            end.close()     # QEMU has them now; ours would hide its death

    def _spawn(self, arguments, fds):
        child = start(arguments, fds, stdout=self.errors, stderr=self.errors)
        self.children.append(child)
        return child

    def _chardev(self, name):
        """A character device of QEMU's at the other end of a socket pair: no path, no race, nothing to remove."""
        ours, theirs = socket.socketpair()
        self._attach(name, theirs)
        return ours

    def _attach(self, name, end):
        self.sockets.append(end)
        self.fds.append(end.fileno())
        self.arguments += ["-chardev", f"socket,id={name},fd={end.fileno()}"]

    def _filesystem(self, tag, daemon):
        """daemon(fd): the command of a virtiofsd that accepts its client there."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("")       # the kernel picks an abstract name
        listener.listen(1)
        client = socket.socket(socket.AF_UNIX)
        client.connect(listener.getsockname())
        self._spawn(daemon(listener.fileno()), [listener.fileno()])
        listener.close()
        self._attach(f"fs-{tag}", client)
        self.arguments += ["-device", f"vhost-user-fs-pci,chardev=fs-{tag},tag={tag}"]

    def _root(self, tmp):
        os.mkdir(f"{tmp}/root")
        self._filesystem("root", lambda fd: [
            "unshare", "-m", f"{HERE}/serve-root", f"{tmp}/root", str(fd), *mount_points()])

    def _machine(self, options):
        if options.icount:
            timing = ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-seed", "1",
                      "-rtc", "base=2025-01-01T00:00:00,clock=vm"]
        else:
            timing = ["-accel", "kvm" if options.accel == "kvm" else f"tcg,thread={'single' if options.turns else 'multi'}"]
        _, machine, cpu = EMULATED[options.arch]
        return timing + [
            "-M", machine, "-cpu", options.cpu or cpu, "-smp", str(options.smp), "-m", f"{options.mem}M",
            "-object", f"memory-backend-memfd,id=ram,size={options.mem}M,share=on", "-numa", "node,memdev=ram",
            "-nic", "none", "-nodefaults", "-display", "none", "-no-reboot", "-no-user-config",
            # It stops where it would end, its memory as it is.
            *(["-no-shutdown"] if options.dump_on_reset else []),
            "-kernel", f"{options.kernel_dir}/vmlinuz", "-initrd", options.initrd, "-append", options.cmdline,
            "-serial", f"file:{self.console}",
            "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=port,nr=1",
            "-mon", "chardev=qmp,mode=control", *(["-D", options.trace] if options.trace else [])]

    def qmp(self, command, **arguments):
        if not self.negotiated:
            self.negotiated = True
            self.qmp("qmp_capabilities")
        self.monitor.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.monitor.flush()
        for line in self.monitor:
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"QMP {command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]
        raise RuntimeError(f"QMP {command}: QEMU has gone")

    def dump(self, path):
        """Writes the guest's memory, as it is at one moment, to path. Pages it never touched become holes."""
        self.qmp("stop")
        self.save(path)
        self.qmp("cont")

    def save(self, path):
        """The same of a machine that stands still."""
        with open(self.memory(), "rb") as memory, open(path, "wb") as out:
            size = os.fstat(memory.fileno()).st_size
            out.truncate(size)
            copy_data(memory.fileno(), out.fileno(), size)

    def state(self):
        return self.qmp("query-status")["status"]

    def trace(self, on):
        """Has QEMU write a line for each instruction, to options.trace."""
        step = "on" if on else "off"
        # Its name before QEMU 8.1, and since.
        if self.hmp(f"one-insn-per-tb {step}"):
            self.hmp(f"singlestep {step}")
        self.hmp("log exec,nochain" if on else "log none")

    def hmp(self, line):
        """A command for people, to the monitor: what it says, which is nothing when all is well."""
        return self.qmp("human-monitor-command", **{"command-line": line})

    def interrupt(self):
        """Has a machine that does not answer say, on its console, where its CPUs are: their registers, and the stack of the one that takes the
        NMI first (the kernel panics of it, unknown_nmi_panic)."""
        where = []
        try:
            self.qmp_socket.settimeout(20)
            where = [line.strip() for line in self.hmp("info registers -a").splitlines() if re.match(r"\s*(CPU#|RIP|PC)", line)]
            self.qmp("inject-nmi")
            self.qemu.wait(timeout=20)
        except (OSError, ValueError, RuntimeError, subprocess.TimeoutExpired) as why:
            where.append(f"no answer to an NMI: {why}")
        self.errors.write("".join(f"qemu: {line}\n" for line in where))

    def memory(self):
        """The name of a file that is the guest's memory."""
        directory = f"/proc/{self.qemu.pid}/fd"
        for fd in os.listdir(directory):
            if os.readlink(f"{directory}/{fd}").startswith("/memfd:memory-backend-memfd"):
                return f"{directory}/{fd}"
        raise RuntimeError("QEMU holds no memory file")

    def said(self):
        """What QEMU and the daemons had to say."""
        self.errors.flush()
        self.errors.seek(0)
        return self.errors.read()

    def killed_by(self):
        """The number of the signal that QEMU, which has closed its end of the port, died of; or 0."""
        try:
            return max(0, -self.qemu.wait(timeout=10))
        except subprocess.TimeoutExpired:
            return 0

    def log(self):
        try:
            with open(self.console, errors="replace") as file:
                return file.read().replace("\r", "")
        except FileNotFoundError:
            return ""

    def end(self):
        for child in reversed(self.children):
            if child.poll() is None:
                child.kill()
        for child in self.children:
            child.wait()


def copy_data(source, target, size):
    offset = 0
    while offset < size:
        try:
            offset = os.lseek(source, offset, os.SEEK_DATA)
        except OSError:
            return      # only a hole is left
        hole = os.lseek(source, offset, os.SEEK_HOLE)
        os.lseek(target, offset, os.SEEK_SET)
        while offset < hole:
            offset += os.sendfile(target, source, offset, hole - offset)


def kvm_boots(kernel_dir, initrd, cache):
    """Does KVM boot a stock kernel here? There are /dev/kvm that cannot: they abort, or hang. Tried once per boot of
    the host and version of QEMU."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    with open("/proc/sys/kernel/random/boot_id") as file:
        key = f"{file.read().strip()} {os.stat(shutil.which(emulator()[0])).st_mtime_ns}"
    answer = f"{cache}/kvm"
    try:
        with open(answer) as file:
            old_key, _, boots = file.read().rpartition(" ")
        if old_key == key:
            return boots == "yes"
    except FileNotFoundError:
        pass
    boots = try_kvm(kernel_dir, initrd)
    with open(f"{answer}.{os.getpid()}", "w") as file:
        file.write(f"{key} {'yes' if boots else 'no'}")
    os.rename(file.name, answer)
    return boots


def try_kvm(kernel_dir, initrd):
    child = start([*emulator(), "-accel", "kvm", "-M", "q35", "-cpu", "max", "-m", "512M", "-nic", "none", "-nodefaults",
                   "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", f"{kernel_dir}/vmlinuz",
                   "-initrd", initrd, "-append", "console=ttyS0 quiet panic=-1 cryptmem_probe"],
                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        return b"cryptmem-probe: up" in child.communicate(timeout=10)[0]
    except subprocess.TimeoutExpired:
        return False
    finally:
        child.kill()
        child.wait()
