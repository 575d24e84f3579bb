"""Disks over NBD: whole ones through nbdcopy, single ranges through a client of a few lines."""
import re, socket, ssl, struct, subprocess, tempfile, time, urllib.parse
from pathlib import Path

STALL_SECONDS = 60
LONGEST_READ = 4 << 20


class DataPathBroken(Exception):
    """The connection went, the service refused, or the lock ended. The read can be begun again."""


class Source:
    """The disks of one backup resource on one host."""

    def __init__(self, host, port, resource, ca_pem, time_scale):
        self.host, self.port, self.resource, self.time_scale = host, port, resource, time_scale
        self.ca_pem = ca_pem  # None without TLS

    def uri(self, device, folder):
        export = urllib.parse.quote(f"{self.resource}/{device}", safe="")
        scheme, more = ("nbd", "") if self.ca_pem is None else ("nbds", f"?tls-certificates={folder}")
        return f"{scheme}://{self.host}:{self.port}/{export}{more}"

    def download(self, device, file, is_lost):
        self.nbdcopy(device, is_lost, lambda uri: [uri, str(file)])

    def upload(self, file, device, is_lost):
        self.nbdcopy(device, is_lost, lambda uri: ["--flush", str(file), uri])

    def nbdcopy(self, device, is_lost, order):
        with tempfile.TemporaryDirectory() as folder:
            if self.ca_pem is not None:
                Path(folder, "ca-cert.pem").write_text(self.ca_pem)
            words = ["nbdcopy", "--connections=2", "--requests=16", *order(self.uri(device, folder))]
            copy = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
            watch(copy, is_lost, max(20, STALL_SECONDS / self.time_scale))
            if copy.returncode != 0:
                raise DataPathBroken(copy.stderr.read().strip()[-300:] or "nbdcopy was ended")

    def read_ranges(self, device, ranges, is_lost):
        """Yields (offset, bytes)."""
        export = f"{self.resource}/{device}"
        try:
            with Connection(self, export) as disk:
                for start, length in ranges:
                    for offset in range(start, start + length, LONGEST_READ):
                        if is_lost():
                            raise DataPathBroken("the backup resource has ended")
                        yield offset, disk.read(offset, min(LONGEST_READ, start + length - offset))
        except (OSError, struct.error) as error:
            raise DataPathBroken(f"{export}: {error}") from error


def watch(copy, is_lost, patience):
    deadline = time.monotonic() + patience
    while copy.poll() is None:
        if is_lost() or time.monotonic() > deadline:
            copy.kill()
        time.sleep(0.02)


class Connection:
    """Fixed newstyle handshake, GO, simple replies."""

    def __init__(self, source, export):
        patience = max(5, STALL_SECONDS / source.time_scale)
        self.socket = socket.create_connection((source.host, source.port), timeout=patience)
        try:
            if self.take(16) != b"NBDMAGICIHAVEOPT" or not struct.unpack(">H", self.take(2))[0] & 1:
                raise OSError("no fixed newstyle NBD server")
            self.socket.sendall(struct.pack(">I", 1))
            if source.ca_pem is not None:
                self.option(5, b"")
                tls = ssl.create_default_context(cadata=source.ca_pem)
                self.socket = tls.wrap_socket(self.socket, server_hostname=source.host)
            name = export.encode()
            self.option(7, struct.pack(">I", len(name)) + name + struct.pack(">H", 0))
        except BaseException:
            self.socket.close()
            raise
        self.cookie = 0

    def option(self, option, data):
        self.socket.sendall(struct.pack(">8sII", b"IHAVEOPT", option, len(data)) + data)
        while True:
            _, _, kind, length = struct.unpack(">QIII", self.take(20))
            text = self.take(length)
            if kind == 1:
                return
            if kind & 1 << 31:
                raise OSError(f"option {option} refused: {text.decode(errors='replace')}")

    def read(self, offset, length):
        self.cookie += 1
        self.socket.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, self.cookie, offset, length))
        magic, error, cookie = struct.unpack(">IIQ", self.take(16))
        if magic != 0x67446698 or cookie != self.cookie:
            raise OSError("the answer is not one to the request")
        if error != 0:
            raise OSError(f"read error {error} at {offset}")
        return self.take(length)

    def take(self, length):
        data = bytearray()
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                raise OSError("the connection was closed")
            data += more
        return bytes(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.socket.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 2, 0, 0, 0))
        except OSError:
            pass
        self.socket.close()


def pem_of(ca_cert):
    """The platform gives base64 DER without its armour."""
    lines = "\n".join(re.findall(".{1,64}", ca_cert))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
