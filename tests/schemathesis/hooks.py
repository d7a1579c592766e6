"""Hooks of the contract test: what generated requests need in order to reach the inside of the service.

Generated requests know the contract but have no files and hold no jobs. The hooks
- declare the size and checksum of a real file in each new asset, and put that file into the bucket,
- name real outputs, public and private, where a file is asked for,
- name the token's own user as the user to act for, because others are forbidden,
- bound the time that a pull waits,
- as a worker, claim real jobs and send the fence of a held one.
Requests that are invalid on purpose are left as they are.
"""

import atexit
import hashlib
import itertools
import json
import os
import pathlib
import threading
import time

import requests
import schemathesis

BASE_URL = os.environ["CONTRACT_URL"]
FOLDER = pathlib.Path(os.environ["CONTRACT_FILES"])
# Where the number of calls is written at the end.
CALLS = pathlib.Path(os.environ["CONTRACT_CALLS"])
# Creates the outputs to fetch, and the jobs that a worker claims.
USER_TOKEN = os.environ["CONTRACT_USER_TOKEN"]
# The user of the generated requests, who may act for nobody else; empty for roles that may.
SELF = os.environ["CONTRACT_SELF"]

# Files by media type.
FILES = {
    media_type: (FOLDER / name).read_bytes()
    for media_type, name in json.loads((FOLDER / "index.json").read_text()).items()
}
# Longest wait of a pull, and the largest that the contract allows.
WAIT_MS = 20
WAIT_LIMIT_MS = 2**53
# Timeout of the hooks' own requests, in seconds.
TIMEOUT_S = 30

CREATE = "POST /v1/assets"
MEDIA = "GET /media/{key}"
STREAM = "GET /stream/{token}/{file}"
CLAIM = "POST /v1/jobs/{job_id}/claim"
PULL = "POST /v1/queues/{queue}/messages/pull"
# Verbs on a held attempt, and whether they end it.
VERBS = {
    "POST /v1/jobs/{job_id}/heartbeat": False,
    "POST /v1/jobs/{job_id}/finish": True,
    "POST /v1/jobs/{job_id}/fail": True,
    "POST /v1/jobs/{job_id}/release": True,
}

local = threading.local()
lock = threading.Lock()
calls = 0
claims = itertools.count()
users = itertools.count()
files = itertools.count()
verbs = itertools.count()
# Claimed jobs: id, attempt and lease token.
held = []


def session():
    """A session of this thread."""
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.session.trust_env = False
    return local.session


def is_valid(case):
    """Whether the request is meant to be valid."""
    return case.meta is None or case.meta.generation.mode.is_positive


def file_of(content_type):
    """The file for a declared type, whose parameters do not matter."""
    if isinstance(content_type, str):
        return FILES.get(content_type.split(";")[0].strip().lower())
    return None


def put(upload, file):
    """Puts a file where a new asset's upload document says."""
    if isinstance(upload, dict) and "url" in upload:
        session().put(upload["url"], data=file, headers=upload.get("headers"), timeout=TIMEOUT_S)


def ask(method, path, body=None):
    """Calls the service as a user; returns its JSON."""
    headers = {"authorization": f"Bearer {USER_TOKEN}"}
    answer = session().request(method, BASE_URL + path, json=body, headers=headers, timeout=TIMEOUT_S)
    answer.raise_for_status()
    return answer.json()


def upload(content_type, visibility="public"):
    """Uploads a file as a user; returns the id of its asset and of its job."""
    file = FILES[content_type]
    body = {"filename": "a", "content_type": content_type, "size_bytes": len(file), "visibility": visibility}
    created = ask("POST", "/v1/assets", body)
    put(created["upload"], file)
    asset_id = created["asset"]["id"]
    return asset_id, ask("POST", f"/v1/assets/{asset_id}/complete", {})["job_id"]


def paths_of_outputs(visibility):
    """Uploads an image and waits until it is ready; returns the paths of its outputs without their first segment."""
    asset_id, _ = upload("image/jpeg", visibility)
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        asset = ask("GET", f"/v1/assets/{asset_id}")
        if asset["state"] == "ready":
            paths = [output["url"].removeprefix(BASE_URL + "/") for output in asset["outputs"]]
            return [path.split("/", 1)[1] for path in paths]
        if time.monotonic() > deadline:
            raise TimeoutError(f"no outputs: {asset}")
        time.sleep(0.1)


# By operation: the path parameters of real outputs.
OUTPUTS = {
    MEDIA: [{"key": path} for path in paths_of_outputs("public")],
    STREAM: [dict(zip(("token", "file"), path.split("/", 1))) for path in paths_of_outputs("private")],
}


def describe_file(body):
    """Declares the size and checksum of a real file."""
    file = file_of(body.get("content_type"))
    if file is None:
        return
    body["size_bytes"] = len(file)
    if isinstance(body.get("sha256"), str):
        body["sha256"] = hashlib.sha256(file).hexdigest()


def name_user(case):
    """Names the same user in both places of `on_behalf_of`, and mostly oneself: no schema can require either."""
    name = "on_behalf_of"
    places = [
        place
        for place in (case.query, case.body)
        if isinstance(place, dict) and isinstance(place.get(name), str)
    ]
    if places:
        user = SELF if SELF and next(users) % 4 != 0 else places[0][name]
        for place in places:
            place[name] = user


def bound_wait(body):
    """Bounds the wait of a pull, also of an invalid one: what is invalid about it may be ignored."""
    wait_ms = body.get("wait_ms")
    if isinstance(wait_ms, (int, float)) and WAIT_MS < wait_ms < WAIT_LIMIT_MS:
        body["wait_ms"] = WAIT_MS


def count_call():
    global calls
    with lock:
        calls += 1


@atexit.register
def write_calls():
    CALLS.write_text(str(calls))


@schemathesis.hook
def before_call(context, case, kwargs):
    count_call()
    operation, body = case.operation.label, case.body
    if operation == PULL and isinstance(body, dict):
        bound_wait(body)
    if not is_valid(case):
        return
    name_user(case)
    if operation == CREATE and isinstance(body, dict):
        describe_file(body)
    elif operation in OUTPUTS:
        number = next(files)
        if number % 4 != 0:
            outputs = OUTPUTS[operation]
            case.path_parameters.update(outputs[number % len(outputs)])
    elif operation == CLAIM and next(claims) % 2 == 0:
        _, case.path_parameters["job_id"] = upload("video/mp4")
    elif operation in VERBS and isinstance(body, dict) and next(verbs) % 4 != 0:
        with lock:
            job = held[-1] if held else None
        if job is not None:
            case.path_parameters["job_id"] = job["job_id"]
            body["attempt"], body["lease_token"] = job["attempt"], job["lease_token"]


@schemathesis.hook
def after_call(context, case, response):
    operation = case.operation.label
    if operation == CREATE and response.status_code == 201:
        created = response.json()
        file = file_of(case.body.get("content_type"))
        if file is not None:
            put(created["upload"], file)
    elif operation == CLAIM and response.status_code == 200:
        claimed = response.json()
        job = {
            "job_id": claimed["job"]["id"],
            "attempt": claimed["attempt"],
            "lease_token": claimed["lease_token"],
        }
        with lock:
            held.append(job)
    elif VERBS.get(operation) and response.status_code == 200:
        job_id = case.path_parameters["job_id"]
        with lock:
            held[:] = [job for job in held if job["job_id"] != job_id]
