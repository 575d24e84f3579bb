"""Restore points: a folder each, with the raw image of every disk. Complete or not there."""
import json, os, shutil, subprocess, uuid
from pathlib import Path


class Store:
    def __init__(self, folder):
        self.points = Path(folder, "points")
        self.runs = Path(folder, "runs")
        for place in (self.points, self.runs):
            place.mkdir(parents=True, exist_ok=True)

    def read(self, point):
        return json.loads((self.points / point / "point.json").read_text())

    def newest_of(self, server_id):
        """The last point of a server, by the counter in its name."""
        names = sorted(one.name for one in self.points.iterdir() if one.name.startswith("point-"))
        for name in reversed(names):
            point = self.read(name)
            if point["server"]["id"] == server_id:
                return point
        return None

    def begin(self):
        return NewPoint(self)


class NewPoint:
    def __init__(self, store):
        self.store = store
        self.folder = store.points / f".new-{uuid.uuid4()}"
        self.folder.mkdir()

    def image(self, device, size, base=None):
        """The file of one disk: a copy of the base's, or holes."""
        file = self.folder / f"{device}.raw"
        if base is not None:
            old = self.store.points / base["id"] / file.name
            subprocess.run(["cp", "--reflink=auto", "--sparse=always", str(old), str(file)], check=True)
        with open(file, "ab") as image:
            image.truncate(size)
        return file

    def commit(self, record):
        """Synced, then renamed: from here on it is there."""
        count = 1 + max([int(one.name.split("-")[1]) for one in self.store.points.glob("point-*")], default=0)
        point = f"point-{count:06d}-{uuid.uuid4().hex[:6]}"
        (self.folder / "point.json").write_text(json.dumps({"id": point, **record}))
        for file in [*self.folder.iterdir(), self.folder]:
            sync(file)
        self.folder.rename(self.store.points / point)
        sync(self.store.points)
        return point

    def drop(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class RunNote:
    """What a run has made on the platform, written down before it is made; gone when it is all removed again."""

    def __init__(self, file):
        self.file = file
        self.made = json.loads(file.read_text()) if file.exists() else {}

    @staticmethod
    def begin(store):
        run = uuid.uuid4().hex[:12]
        note = RunNote(store.runs / f"{run}.json")
        note.put(run=run, pid=os.getpid())
        return note

    def put(self, **made):
        self.made.update(made)
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.made))
        sync(new)
        new.rename(self.file)
        sync(self.file.parent)

    def end(self):
        self.file.unlink(missing_ok=True)

    def is_alive(self):
        try:
            os.kill(self.made["pid"], 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return self.made["pid"] != os.getpid()


def sync(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
