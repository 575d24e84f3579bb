#!/usr/bin/env python3
"""A small backup engine for SCP: full and incremental over NBD and NBDSSL, restore, clean-up.

It speaks the driver protocol of backlot: a job as JSON on standard input, JSON lines on standard output.
Needs Python 3.10 and nbdcopy.
"""
import json, signal, sys, threading, time, traceback
from nbd import DataPathBroken, Source, pem_of
from scp import Refused, Scp, TaskFailed, Unanswered
from store import RunNote, Store

LOCK_SECONDS = 600
RENEW_SECONDS = 45
RENEWAL_ANSWER_SECONDS = 30
ATTEMPTS = 3
BUSY_SECONDS = 900
EXPIRED = "CBT has expired"
GIB = 1 << 30


class JobFailed(Exception):
    """This job can't succeed; the message says why and is meant for people."""


def say(**line):
    print(json.dumps(line), flush=True)


def log(message):
    say(type="log", message=message)


class Lock:
    """A backup resource: the server is locked and its disks are served while somebody renews it."""

    def __init__(self, scp, note, server_id, kind):
        self.scp, self.note = scp, note
        self.ended = threading.Event()
        self.is_lost = False
        self.renewer = threading.Thread(target=self.renew, daemon=True)
        self.state = patient(scp, lambda: self.create(server_id, kind))
        self.renewer.start()

    def create(self, server_id, kind):
        """The time is noted first: of a lock whose id we never hear, only its end can be waited for."""
        self.note.put(server=server_id, locked_at=time.time(), resource=None)
        made = self.scp.call("POST", "/janus/20180725/backup-resources", body={
            "server_id": server_id, "type": kind, "lock_time": LOCK_SECONDS})
        self.id = made["resource_id"]
        self.path = "/janus/20180725/backup-resources/" + self.id.replace(":", "%3A")
        self.note.put(resource=self.id, locked_at=None)
        try:
            self.scp.wait(made["task_id"])
            return self.wait_until_running()
        except BaseException:
            self.release()
            raise

    def wait_until_running(self):
        while True:
            state = self.scp.call("GET", self.path)
            if state["status"] == "running":
                return state
            if state["status"] != "pending":
                raise DataPathBroken(f"the backup resource is {state['status']}")
            self.scp.sleep(0.5)

    def renew(self):
        """On its own schedule, whatever the reads do."""
        while not self.ended.wait(RENEW_SECONDS / self.scp.time_scale):
            try:
                self.scp.call("PUT", self.path, None, {"lock_time": LOCK_SECONDS}, RENEWAL_ANSWER_SECONDS)
            except Refused as refused:
                log(f"the lock can't be renewed: {refused}")
                self.is_lost = True
                return
            except Unanswered as error:
                log(f"a renewal was not answered: {error}")

    def source(self, platform, transport):
        hosts = {host["id"]: host["ip"] for host in self.scp.pages("/janus/20240725/hosts")}
        address = hosts.get(self.state.get("host_id"))
        if address is None:
            raise JobFailed(f"the host of the backup resource is not listed: {self.state.get('host_id')}")
        ca = pem_of(self.state["ca_cert"]) if transport == "nbdssl" else None
        return Source(address, platform["nbdPort"], self.id, ca, self.scp.time_scale)

    def release(self):
        self.ended.set()
        if self.renewer.is_alive():
            self.renewer.join()
        delete_resource(self.scp, self.id)
        self.note.put(resource=None)


def delete_resource(scp, resource):
    path = "/janus/20180725/backup-resources/" + resource.replace(":", "%3A")
    for _ in range(5):
        try:
            if scp.call("GET", path)["status"] not in ("pending", "running"):
                return
            scp.wait(scp.call("DELETE", path)["task_id"])
        except Refused as refused:
            if refused.status == 404:
                return
            raise
        except TaskFailed as failed:
            log(str(failed))
            scp.sleep(5)
    raise TaskFailed(f"backup resource {resource} does not go away")


def snapshots_of(scp, server_id):
    return scp.call("GET", f"/janus/20210725/servers/{server_id}/snapshots")


def delete_snapshots(scp, server_id, is_ours):
    """Asked until they are gone: a deletion that was reported may not have happened."""
    for _ in range(5):
        ours = [one["id"] for one in snapshots_of(scp, server_id) if is_ours(one)]
        if not ours:
            return
        for snapshot in ours:
            path = f"/janus/20180725/servers/{server_id}/snapshots/{snapshot}"
            try:
                scp.wait(patient(scp, lambda path=path: scp.call("DELETE", path))["task_id"])
            except Refused as refused:
                if refused.status != 404:
                    raise
            except TaskFailed as failed:
                log(str(failed))
                scp.sleep(5)
    raise TaskFailed(f"snapshots {', '.join(ours)} do not go away")


def patient(scp, call):
    """Repeats what is refused because the server is taken, for a quarter of an hour."""
    deadline = time.monotonic() + BUSY_SECONDS / scp.time_scale
    while True:
        try:
            return call()
        except (Refused, TaskFailed) as error:
            if not is_taken(error) or time.monotonic() > deadline:
                raise
            log(f"waiting: {error}")
            scp.sleep(15)


def is_taken(error):
    if isinstance(error, Refused) and error.status not in (400, 409):
        return False
    return any(word in str(error).lower() for word in ("task", "in use", "being used", "occupied", "locked"))


# Backup


def backup(scp, store, job):
    server = find_server(scp, job["server"]["id"])
    check_eligible(server)
    clean(scp, store, server["id"])
    wants_full = job["operation"] == "backup"
    for attempt in range(1, ATTEMPTS + 1):
        note = RunNote.begin(store)
        try:
            return backup_once(scp, store, job, server, note, wants_full)
        except HistoryGone:
            log("the change list has expired; it is begun anew, and this backup is a full one")
            reset_tracking(scp, server["id"])
            wants_full = True
        except (DataPathBroken, Unanswered) as error:
            if attempt == ATTEMPTS:
                raise
            log(f"attempt {attempt}: {error}")
            scp.sleep(30)
    raise JobFailed("the change list expires again and again")


class HistoryGone(Exception):
    """The platform does not know any more what has changed since the last backup."""


def backup_once(scp, store, job, server, note, wants_full):
    tracked = enable_tracking(scp, server["id"])
    snapshot = take_snapshot(scp, server, note)
    new = store.begin()
    lock = None
    try:
        path = f"/janus/20180725/servers/{server['id']}/snapshots/{snapshot}"
        detail = scp.call("GET", path)
        base = None if wants_full else store.newest_of(server["id"])
        lock = Lock(scp, note, server["id"], "backup")
        source = lock.source(job["platform"], job["transport"])
        disks = [read_disk(scp, new, source, lock, server, snapshot, disk, base, tracked)
                 for disk in detail["vmconf"]["hardware_option"]["disks"]]
        if lock.is_lost:
            raise DataPathBroken("the backup resource ended while its disks were read")
        is_full = all(disk["mode"] == "full" for disk in disks)
        point = new.commit({
            "server": {"id": server["id"], "name": server["name"], "pool": server["az_id"]},
            "checkpoint": detail["checkpoint_id"], "tracked": sorted(tracked),
            "vmconf": detail["vmconf"], "disks": disks})
        return {"point": point, "mode": "full" if is_full else "incremental",
                "readBytes": sum(disk["readBytes"] for disk in disks)}
    finally:
        new.drop()
        release(scp, note, lock, server["id"], snapshot)


def release(scp, note, lock, server_id, snapshot):
    """First the lock, then the snapshot below it. What does not go stays in the note, for the next run."""
    try:
        if lock is not None:
            lock.release()
        delete_snapshots(scp, server_id, lambda one: one["id"] == snapshot)
        note.end()
    except (Refused, TaskFailed, Unanswered) as error:
        log(f"left for the next run: {error}")


def read_disk(scp, new, source, lock, server, snapshot, disk, base, tracked):
    device, size = disk["device_id"], round(disk["size_gb"] * GIB)
    is_lost = lambda: lock.is_lost
    old = base and next((one for one in base["disks"] if one["device"] == device and one["size"] == size), None)
    if old and device in tracked and device in base["tracked"] and base["checkpoint"] != "0":
        areas = changed_areas(scp, server["id"], device, snapshot, base["checkpoint"], size)
        file = new.image(device, size, base)
        with open(file, "r+b") as image:
            for offset, data in source.read_ranges(device, areas, is_lost):
                image.seek(offset)
                image.write(data)
        return {"device": device, "size": size, "mode": "incremental", "readBytes": sum(n for _, n in areas)}
    file = new.image(device, size)
    if device not in tracked:
        source.download(device, file, is_lost)
        return {"device": device, "size": size, "mode": "full", "readBytes": size}
    # A tracked disk is asked for its valid blocks, and the holes between them are left out.
    areas = changed_areas(scp, server["id"], device, snapshot, "0", size)
    if sum(length for _, length in areas) * 4 > size:
        source.download(device, file, is_lost)
    else:
        with open(file, "r+b") as image:
            for offset, data in source.read_ranges(device, areas, is_lost):
                image.seek(offset)
                image.write(data)
    return {"device": device, "size": size, "mode": "full", "readBytes": sum(n for _, n in areas)}


def changed_areas(scp, server_id, device, snapshot, checkpoint, size):
    """Every page of the list, to the end of the disk."""
    areas, start = [], 0
    while start < size:
        try:
            page = scp.call("GET", f"/janus/20180725/servers/{server_id}/cbt/changed-areas", {
                "disk_id": device, "snapshot_id": snapshot, "checkpoint_id": checkpoint, "start_offset": start})
        except Refused as refused:
            if EXPIRED in refused.message or "checkpoint" in refused.message.lower():
                raise HistoryGone from refused
            raise
        end = page["start_offset"] + page["length"]
        if page["start_offset"] != start or end <= start:
            raise DataPathBroken(f"the page at {start} of the change list of {device} begins or ends elsewhere")
        areas += [(one["start"], min(one["length"], size - one["start"])) for one in page["changed_area"]]
        start = end
    return areas


def enable_tracking(scp, server_id):
    """Before the snapshot: what is tracked only afterwards has no history."""
    path = f"/janus/20180725/servers/{server_id}/cbt/status"
    status = scp.call("GET", path)
    if not all(disk["is_enabled"] for disk in status["disks"]):
        try:
            scp.wait(patient(scp, lambda: scp.call("PUT", path, body={"type": "enable"}))["task_id"])
        except (Refused, TaskFailed) as error:
            log(f"changed blocks are not tracked: {error}")
        status = scp.call("GET", path)
    return {disk["id"] for disk in status["disks"] if disk["is_enabled"]}


def reset_tracking(scp, server_id):
    path = f"/janus/20180725/servers/{server_id}/cbt/status"
    scp.wait(patient(scp, lambda: scp.call("PUT", path, body={"type": "reset"}))["task_id"])


def take_snapshot(scp, server, note):
    if any(one["type"] == "qcow2" for one in snapshots_of(scp, server["id"])):
        raise JobFailed(f"{server['name']} has internal snapshots; delete them first")
    name = f"pyengine-{note.made['run']}"
    note.put(server=server["id"], snapshot_name=name)
    path = f"/janus/20190725/servers/{server['id']}/snapshots"
    made = patient(scp, lambda: scp.call("POST", path, body={"name": name, "description": "backup"}))
    try:
        scp.wait(made["task_id"])
    except BaseException:
        release(scp, note, None, server["id"], made["resource_id"])
        raise
    return made["resource_id"]


def find_server(scp, server_id):
    for server in scp.pages("/janus/20240725/servers", ids=server_id):
        if server["id"] == server_id:
            return server
    raise JobFailed(f"there is no server {server_id}")


def check_eligible(server):
    name = server["name"]
    if server.get("type", "hci") != "hci" or server.get("vmtype", "vm") not in ("vm", "derive"):
        raise JobFailed(f"{name} is no virtual machine of an HCI pool")
    if server.get("os_name") == "Backup Proxy":
        raise JobFailed(f"{name} is a backup proxy")
    if server.get("turbo_mode_enabled") or server.get("advance_param", {}).get("turbo_mode_enabled"):
        raise JobFailed(f"{name} runs in turbo mode")
    if server.get("application") == "desk" and server.get("revert_mode"):
        raise JobFailed(f"{name} is a desktop that reverts at every start")
    if server["status"] not in ("running", "stopped"):
        raise JobFailed(f"{name} is {server['status']}")


# Restore


def restore(scp, store, job):
    point = store.read(job["restore"]["point"])
    to = job["restore"]["to"]
    if "server" in to:
        clean(scp, store, to["server"])
    note = RunNote.begin(store)
    is_new = "newName" in to
    server_id = None
    try:
        server_id = create_server(scp, note, point, to["newName"]) if is_new else existing(scp, point, to["server"])
        write_disks(scp, store, job, note, server_id, point)
        note.end()
        return {"server": server_id}
    except BaseException:
        clean(scp, store, server_id, note)
        raise


def existing(scp, point, server_id):
    server = find_server(scp, server_id)
    if server["status"] != "stopped":
        raise JobFailed(f"{server['name']} is {server['status']}, not off; shut it down first")
    slots = {disk["id"] for disk in server["disks"]}
    for disk in point["disks"]:
        if disk["device"] not in slots:
            raise JobFailed(f"{server['name']} has no disk {disk['device']}")
    return server_id


def create_server(scp, note, point, name):
    """Powered off, with the configuration that was backed up, and with a mark by which a clean-up knows it."""
    if any(server["name"] == name for server in scp.pages("/janus/20240725/servers", query_name=name)):
        raise JobFailed(f"there is a server named {name} already")
    mark = f"pyengine run {note.made['run']}"
    note.put(new_server=name, mark=mark)
    made = scp.call("POST", "/janus/20180725/servers/config", body=new_config(scp, point, name, mark))
    note.put(new_server_id=made["uuid"])
    scp.wait(made["task_id"])
    for _ in range(150):
        listed = list(scp.pages("/janus/20240725/servers", ids=made["uuid"]))
        if listed and listed[0]["status"] == "stopped":
            return made["uuid"]
        scp.sleep(2)
    raise JobFailed(f"server {name} was created but is not listed as stopped")


def new_config(scp, point, name, mark):
    conf = point["vmconf"]
    hardware, advanced = conf["hardware_option"], dict(conf.get("advanced_option", {}))
    advanced.pop("uuid", None)
    memory = dict(hardware.get("memory", {}))
    if "huge_page_enabled" in memory:
        memory["hugepage_enabled"] = memory.pop("huge_page_enabled")
    sizes = {disk["device"]: disk["size"] / GIB for disk in point["disks"]}
    # The copy must not answer to the addresses of a server that may still be there.
    adapters = [{**{key: value for key, value in adapter.items() if key != "mac_address"}, "connected": 0}
                for adapter in hardware.get("network_adapters", [])]
    return {
        **conf, "name": name, "description": mark, "az_id": point["server"]["pool"], "host_id": "cluster",
        "datastore_id": choose_datastore(scp, point), "os_option": conf.get("os_option", {}),
        "logo": int(conf.get("logo") or 0), "advanced_option": advanced,
        "hardware_option": {
            **hardware, "memory": memory, "network_adapters": adapters,
            "disks": [{**disk, "size_gb": sizes[disk["device_id"]]} for disk in hardware["disks"]]}}


def choose_datastore(scp, point):
    fit = [one for one in scp.pages("/janus/20200725/storages")
           if one["status"] in ("normal", "ok", "alarm") and one["host_ids"] and one["az_id"] == point["server"]["pool"]]
    if not fit:
        raise JobFailed("no datastore of the resource pool can be used")
    old = [one for one in fit if one["id"] == point["vmconf"].get("datastore_id")]
    return (old or sorted(fit, key=lambda one: one["used_mb"] - one["total_mb"]))[0]["id"]


def write_disks(scp, store, job, note, server_id, point):
    for attempt in range(1, ATTEMPTS + 1):
        lock = Lock(scp, note, server_id, "restore")
        try:
            source = lock.source(job["platform"], job["transport"])
            for disk in point["disks"]:
                file = store.points / point["id"] / f"{disk['device']}.raw"
                source.upload(file, disk["device"], lambda: lock.is_lost)
            if lock.is_lost:
                raise DataPathBroken("the backup resource ended while the disks were written")
            return
        except DataPathBroken as error:
            if attempt == ATTEMPTS:
                raise
            log(f"attempt {attempt}: {error}")
            scp.sleep(30)
        finally:
            lock.release()


# Clean-up: what runs that died have left, and nothing else


def clean(scp, store, server_id=None, own=None):
    """Of all servers, of one server, or (`own`) of one run. @server_id None means all."""
    notes = [own] if own else [RunNote(file) for file in sorted(store.runs.glob("*.json"))]
    for note in notes:
        made = note.made
        if own is None and (note.is_alive() or server_id not in (None, made.get("server"))):
            continue
        try:
            outlive_lock(scp, made)
            if made.get("snapshot_name"):
                delete_snapshots(scp, made["server"], lambda one: one["name"] == made["snapshot_name"])
            if made.get("new_server"):
                delete_new_server(scp, made)
            note.end()
        except (Refused, TaskFailed, Unanswered) as error:
            log(f"left for the next run: {error}")


def outlive_lock(scp, made):
    """A lock whose id no answer told ends by itself, because nobody renews it. The snapshot must not go before."""
    if made.get("resource"):
        delete_resource(scp, made["resource"])
    elif made.get("locked_at"):
        left = made["locked_at"] + (LOCK_SECONDS + 60) / scp.time_scale - time.time()
        if left > 0:
            log("waiting for the end of a lock that nobody renews")
            time.sleep(left)


def delete_new_server(scp, made):
    """Only the one that carries our mark: the name alone may be somebody else's."""
    for server in list(scp.pages("/janus/20240725/servers", query_name=made["new_server"])):
        detail = scp.call("GET", f"/janus/20240725/servers/{server['id']}")
        if detail["name"] == made["new_server"] and detail["description"] == made["mark"]:
            path = f"/janus/20180725/servers/{server['id']}"
            scp.wait(patient(scp, lambda: scp.call("DELETE", path, body={"force": 1}))["task_id"])


def cleanup(scp, store, _job):
    clean(scp, store)
    return {}


OPERATIONS = {"backup": backup, "incremental": backup, "restore": restore, "cleanup": cleanup}


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    job = json.load(sys.stdin)
    scp = Scp(job["platform"], job["timeScale"])
    try:
        result = OPERATIONS[job["operation"]](scp, Store(job["repository"]), job)
    except (JobFailed, Refused, TaskFailed, Unanswered, DataPathBroken, OSError) as error:
        traceback.print_exc()
        say(type="result", result="failed", error=str(error) or type(error).__name__)
        return 1
    say(type="result", result="ok", **result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
