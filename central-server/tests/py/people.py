"""Who attacks, and the things that are there for him: sessions that end are renewed, things that go are made anew."""

import json
import random
import uuid
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import requests

# How many of a kind are to be there.
FEW = 4
# After how many requests the lists are read again.
STALE = 150

# Where the ids of a kind are read: the address and the field that holds the rows, if they are not the answer itself.
LISTS = {
    "SiteId": ("/api/sites?limit=50&page=1", "data"),
    "GroupId": ("/api/groups", "groups"),
    "VideoId": ("/api/videos?limit=50&page=1", "data"),
    "DeploymentId": ("/api/deployments?limit=50", None),
    "AgencyId": ("/api/agencies?limit=50", "agencies"),
    "UserId": ("/api/users?limit=50", "users"),
}

# What is the caller's own.
OWN = {"SessionId": ("/api/auth/sessions", "sessions"), "TokenId": ("/api/auth/tokens", "tokens")}


class Plan:
    """What the test wants, as it has written it down."""

    def __init__(self, path):
        self.folder = Path(path).parent
        self.__dict__.update(json.loads(Path(path).read_text()))
        self.random = random.Random(self.seed)


class Client:
    """Speaks to the server as a program would, from another address each time: nobody's guesses are counted together."""

    def __init__(self, plan):
        self.plan = plan
        self.session = requests.Session()
        self.session.trust_env = False
        # Nobody is somebody else by a cookie of his.
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def address(self):
        return ".".join(str(self.plan.random.randint(1, 254)) for _ in range(4))

    def ask(self, method, path, token=None, **further):
        headers = {"X-Forwarded-For": self.address()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            return self.session.request(method, self.plan.base + path, headers=headers, timeout=30, **further)
        except requests.ConnectionError:
            # The request before was refused, its body unread, and its connection ended: once more, on another.
            return self.session.request(method, self.plan.base + path, headers=headers, timeout=30, **further)

    def login(self, account):
        answer = self.ask("POST", "/api/auth/login", json=account)
        if answer.status_code != 200:
            raise SystemExit(f"{account['email']} cannot log in: {answer.status_code} {answer.text}")
        return answer.json()["token"]


class Caller:
    """Who attacks: a person with a session, a program with a token or key, or nobody."""

    def __init__(self, plan, client):
        self.plan, self.client = plan, client
        self.token = plan.token
        self.ended, self.last = {}, None
        if plan.account:
            self.token = client.login(plan.account)

    def heard(self, status, operation):
        """A session that an answer says is over is begun anew; the operation before, which has ended it, is kept."""
        before, self.last = self.last, operation
        if status != 401 or not self.plan.account:
            return
        if self.client.ask("GET", "/api/auth/me", self.token).status_code == 401:
            self.token = self.client.login(self.plan.account)
            self.ended[before] = self.ended.get(before, 0) + 1


class Ids:
    """Ids of things that are there, by the name of their schema."""

    def __init__(self, plan, client, caller):
        self.plan, self.client, self.caller = plan, client, caller
        self.admin = client.login(plan.admin)
        self.found, self.asked, self.made = {}, 0, 0

    def one(self, kind):
        """An id of this kind, or one of nothing."""
        if self.asked % STALE == 0:
            self.read()
        self.asked += 1
        if kind == "TargetId":
            kind = self.plan.random.choice(["SiteId", "GroupId"])
        if kind == "CommandId":
            return (self.command() or (None, str(uuid.UUID(int=0))))[1]
        found = self.found.get(kind)
        return self.plan.random.choice(found) if found else str(uuid.UUID(int=self.plan.random.getrandbits(128)))

    def command(self):
        """A command and its site."""
        return self.plan.random.choice(self.found["CommandId"]) if self.found.get("CommandId") else None

    def gone(self):
        """Something may have been deleted."""
        self.asked = 0

    def read(self):
        if self.client.ask("GET", "/api/auth/me", self.admin).status_code == 401:
            self.admin = self.client.login(self.plan.admin)
        for kind, (path, field) in LISTS.items():
            self.found[kind] = self.rows(path, field, self.admin)
            while self.plan.keeps_up and len(self.found[kind]) < FEW:
                self.found[kind].append(self.make(kind))
        # Whoever attacks or looks after this is not to lose his account by it.
        kept = (self.plan.admin["email"], (self.plan.account or {}).get("email"))
        people = self.client.ask("GET", "/api/users?limit=50", self.admin).json()["data"]["users"]
        self.found["UserId"] = [person["id"] for person in people if person["email"] not in kept]
        while self.plan.keeps_up and len(self.found["UserId"]) < FEW:
            self.found["UserId"].append(self.make("UserId"))
        if self.plan.account:
            for kind, (path, field) in OWN.items():
                self.found[kind] = self.rows(path, field, self.caller.token)
        if not self.plan.keeps_up:
            return
        site = self.plan.random.choice(self.found["SiteId"])
        body = {"command": "get_logs", "queueIfOffline": True}
        made = self.client.ask("POST", f"/api/sites/{site}/command", self.admin, json=body)
        self.found["CommandId"] = [(site, made.json()["commandId"])] if made.status_code == 200 else []

    def rows(self, path, field, token):
        answer = self.client.ask("GET", path, token)
        if answer.status_code != 200:
            return []
        rows = answer.json()
        if field and isinstance(rows.get("data"), dict):
            rows = rows["data"]
        return [row["id"] for row in (rows[field] if field else rows)]

    def make(self, kind):
        self.made += 1
        name = f"Cible {self.made}"
        if kind == "VideoId":
            picture = Path(self.plan.picture).read_bytes() + str(uuid.uuid4()).encode()
            made = self.client.ask("POST", "/api/videos", self.admin, files={"video": (f"{name}.jpg", picture)})
        else:
            path, body = {
                "SiteId": lambda: ("/api/sites", {"site_name": name, "club_name": "Club"}),
                "GroupId": lambda: ("/api/groups", {"name": name, "type": "custom"}),
                "AgencyId": lambda: ("/api/agencies", {"name": name}),
                "UserId": lambda: ("/api/users", self.person()),
                "DeploymentId": lambda: (
                    "/api/deployments",
                    {"video_id": self.found["VideoId"][0], "target_id": self.found["SiteId"][0]},
                ),
            }[kind]()
            made = self.client.ask("POST", path, self.admin, json=body)
        if made.status_code != 201:
            raise SystemExit(f"no {kind} could be made: {made.status_code} {made.text}")
        made = made.json()
        return (made if "id" in made else made["data"])["id"]

    def person(self):
        email = f"cible-{uuid.uuid4().hex[:12]}@club.fr"
        return {"email": email, "full_name": "Cible", "role": "viewer", "password": "Tir au but 7"}
