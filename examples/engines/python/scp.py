"""The platform's REST API: signing, login, repeats, tasks. Standard library only."""
import hashlib, hmac, http.client, json, secrets, ssl, threading, time, urllib.parse, uuid


class Refused(Exception):
    """The platform said no."""

    def __init__(self, status, message):
        super().__init__(f"{message} (HTTP {status})")
        self.status, self.message = status, message


class Unanswered(Exception):
    """No answer, or one that can't be read. The call may have had its effect."""


class TaskFailed(Exception):
    """The platform took the call and then did not carry it out."""


ATTEMPTS = 6
ANSWER_SECONDS = 60
POLL_SECONDS = 1
TASK_SECONDS = 1800


class Scp:
    def __init__(self, platform, time_scale):
        self.url = urllib.parse.urlsplit(platform["scpUrl"])
        self.tls = ssl.create_default_context(cafile=platform["caFile"])
        self.login = platform["credentials"]
        self.time_scale = time_scale
        self.token = None
        self.token_lock = threading.Lock()
        self.here = threading.local()

    def sleep(self, seconds):
        """Seconds of the platform's time."""
        time.sleep(seconds / self.time_scale)

    # One call. The client token stays the same when it is repeated, so that the platform does it once.

    def call(self, method, path, query=None, body=None, answer_seconds=ANSWER_SECONDS):
        client_token = str(uuid.uuid4()) if method in ("POST", "PUT") else None
        has_logged_in_again = False
        for attempt in range(ATTEMPTS):
            is_last = attempt == ATTEMPTS - 1
            token = self.token
            try:
                return self.once(method, path, query, body, client_token, answer_seconds)
            except Refused as refused:
                if refused.status == 401 and "username" in self.login and not has_logged_in_again:
                    has_logged_in_again = True
                    self.log_in(than=token)
                    continue
                if is_last or not is_passing(refused):
                    raise
            except Unanswered:
                if is_last:
                    raise
            self.sleep(min(60, 5 * 2**attempt))

    def once(self, method, path, query, body, client_token, answer_seconds):
        payload = "" if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json", **self.credentials(method, path, payload)}
        if client_token:
            headers["X-Client-Token"] = client_token
        target = path + ("?" + urllib.parse.urlencode(query) if query else "")
        status, text = self.exchange(method, target, payload, headers, answer_seconds)
        return read_answer(status, text)

    def exchange(self, method, target, payload, headers, answer_seconds=ANSWER_SECONDS):
        # A busy machine needs a moment of its own, however fast the platform's time goes.
        seconds = max(0.7, answer_seconds / self.time_scale)
        try:
            if getattr(self.here, "connection", None) is None:
                self.here.connection = http.client.HTTPSConnection(
                    self.url.hostname, self.url.port, context=self.tls)
            self.here.connection.timeout = seconds
            if self.here.connection.sock is not None:
                self.here.connection.sock.settimeout(seconds)
            self.here.connection.request(method, target, payload, headers)
            answer = self.here.connection.getresponse()
            return answer.status, answer.read().decode()
        except ssl.SSLCertVerificationError:
            raise
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
            if self.here.connection is not None:
                self.here.connection.close()
            self.here.connection = None
            raise Unanswered(f"{method} {target}: {error or type(error).__name__}") from error

    # Who we are: an access key signs each request, a user name gets a token once.

    def credentials(self, method, path, payload):
        if "accessKey" in self.login:
            return sign(self.login, method, path, payload)
        if self.token is None:
            self.log_in(than=None)
        return {"Authorization": f"Token {self.token}"}

    def log_in(self, than):
        """A new token, unless another thread has fetched one in place of the one that was refused."""
        with self.token_lock:
            if self.token is not than:
                return
            key = self.plain("GET", "/janus/public-key")["public_key"].strip()
            secret = encrypt_pkcs1(key, self.login["password"])
            body = {"auth": {"passwordCredentials": {"username": self.login["username"], "password": secret}}}
            self.token = self.plain("POST", "/janus/authenticate", body)["access"]["token"]["id"]

    def plain(self, method, path, body=None):
        payload = "" if body is None else json.dumps(body)
        for attempt in range(ATTEMPTS):
            try:
                return read_answer(*self.exchange(method, path, payload, {"Content-Type": "application/json"}))
            except (Unanswered, Refused) as error:
                if attempt == ATTEMPTS - 1 or isinstance(error, Refused) and not is_passing(error):
                    raise
            self.sleep(min(60, 30 * 2**attempt))

    # Lists come in pages, and changes as tasks.

    def pages(self, path, **query):
        page = 0
        while True:
            data = self.call("GET", path, {**query, "page_num": page, "page_size": 100})
            yield from data["data"]
            if data["next_page_num"] == "":
                return
            page = int(data["next_page_num"])

    def wait(self, task_id):
        deadline = time.monotonic() + TASK_SECONDS / self.time_scale
        while time.monotonic() < deadline:
            task = self.call("GET", f"/janus/20180725/tasks/{task_id}")
            if task["status"] == "finish":
                return
            if task["status"] in ("failure", "canceled"):
                raise TaskFailed(f'{task["action"]}: {task["description"] or task["status"]}')
            self.sleep(POLL_SECONDS)
        raise TaskFailed(f"task {task_id} does not end")


def is_passing(refused):
    """Over the limit, or not well: the same call may succeed a little later."""
    return refused.status in (429, 500, 503) and "client token" not in refused.message


def read_answer(status, text):
    try:
        envelope = json.loads(text) if text else {}
        message = envelope.get("message", "")
        if status < 300:
            return envelope.get("data")
    except (ValueError, AttributeError) as error:
        if status < 300:
            raise Unanswered(f"an answer that is no JSON: {text[:60]!r}") from error
        message = text[:60]
    raise Refused(status, message or "refused")


def sign(keys, method, path, payload):
    """AWS Signature Version 4 as the platform wants it: the query is not signed, only the date header is."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{stamp[:8]}/cn-south-1/open-api/aws4_request"
    canonical = "\n".join([method, path, "", f"x-amz-date:{stamp}\n", "x-amz-date", sha256(payload)])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical)])
    key = ("AWS4" + keys["secretKey"]).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    return {
        "X-Amz-Date": stamp,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={keys['accessKey']}/{scope}, "
        f"SignedHeaders=x-amz-date, Signature={signature}",
    }


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def encrypt_pkcs1(modulus_hex, text):
    """RSA with PKCS#1 v1.5 padding and the exponent 65537, as hex."""
    modulus, size, plain = int(modulus_hex, 16), len(modulus_hex) // 2, text.encode()
    padding = bytes(secrets.randbelow(255) + 1 for _ in range(size - len(plain) - 3))
    block = b"\0\2" + padding + b"\0" + plain
    return pow(int.from_bytes(block, "big"), 65537, modulus).to_bytes(size, "big").hex()
