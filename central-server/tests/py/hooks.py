"""What schemathesis is told of this API: who calls, which ids there are, and which files can be uploaded."""

import atexit
import json
import os
import re
from collections import Counter
from pathlib import Path

import schemathesis
from hypothesis import strategies

import checks
from document import Document
from people import Caller, Client, Ids, Plan

PLAN = Plan(os.environ["NEOPRO_ATTACK_PLAN"])
CLIENT = Client(PLAN)
CALLER = Caller(PLAN, CLIENT)
IDS = Ids(PLAN, CLIENT, CALLER)
checks.install(PLAN)

# How many of the ids that could be of something are: the others lead nowhere, as they came.
THERE = 0.8

PICTURE = Path(PLAN.picture).read_bytes()
VIDEO = Path(PLAN.video).read_bytes()
answers = Counter()


def kinds(known):
    """The kind of id that a parameter, or a field of a body, is, by operation and name."""
    for label, operation in known.known.items():
        found = {}
        for parameter in operation.get("parameters", []):
            for choice, name in known.alternatives(parameter["schema"]):
                if choice.get("format") == "uuid":
                    found[parameter["name"]] = name
        _, schema = known.body(operation)
        for at, choice, name in known.places(schema) if schema else ():
            if choice.get("format") == "uuid":
                found[[part for part in at if isinstance(part, str)][-1]] = name
        yield label, found


KNOWN = Document(json.loads(Path(PLAN.document).read_text()))
KINDS = dict(kinds(KNOWN))


def is_id(value):
    """Whether a value could be the id of something."""
    return isinstance(value, str) and len(value) == 36 and value.count("-") == 4


def lead_somewhere(value, kinds, field=None):
    """A value in which ids of nothing are replaced by such of something."""
    if isinstance(value, dict):
        return {name: lead_somewhere(inner, kinds, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [lead_somewhere(inner, kinds, field) for inner in value]
    is_wanted = field in kinds and is_id(value) and PLAN.random.random() < THERE
    return IDS.one(kinds[field]) if is_wanted else value


@schemathesis.auth(refresh_interval=None)
class Known:
    """Whoever attacks says who he is."""

    def get(self, case, context):
        return CALLER.token

    def set(self, case, token, context):
        if token:
            case.headers = case.headers or {}
            case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.hook
def before_call(context, case, kwargs):
    case.headers = case.headers or {}
    case.headers.setdefault("X-Forwarded-For", CLIENT.address())
    if case.cookies:
        # The client refuses to send line breaks in a header; nothing would be attacked.
        case.cookies = {name: re.sub(r"[\x00-\x1f\x7f]", "", str(value)) for name, value in case.cookies.items()}
    # Who follows what he has made himself knows its id.
    if case.meta is not None and case.meta.phase.name.value == "stateful":
        return
    kinds = KINDS[case.operation.label]
    if case.path_parameters:
        case.path_parameters = lead_somewhere(case.path_parameters, kinds)
        pair = IDS.command()
        if "command_id" in case.path_parameters and is_id(case.path_parameters["command_id"]) and pair:
            case.path_parameters["id"], case.path_parameters["command_id"] = pair
    if case.query:
        case.query = lead_somewhere(case.query, kinds)
    if isinstance(case.body, dict):
        case.body = lead_somewhere(case.body, kinds)


@schemathesis.hook
def after_call(context, case, response):
    answers[case.operation.label, response.status_code] += 1
    CALLER.heard(response.status_code, case.operation.label)
    if response.request.method == "DELETE" and response.status_code < 300:
        IDS.gone()
    if case.operation.label == "PUT /api/settings/security" and response.status_code == 200:
        # Who must have a second factor by now could not come back.
        CLIENT.ask("PUT", case.path, CALLER.token, json={"mfa_required_roles": [], "mfa_grace_days": 30})


@schemathesis.hook
def filter_failure(context, failure, case, response):
    return not checks.is_no_fault(KNOWN, failure, case, response)


# Files that are what they say, each another one by what stands behind its end; and such that are nothing.
files = strategies.sampled_from([PICTURE, PICTURE, VIDEO]).flatmap(
    lambda file: strategies.binary(min_size=8, max_size=16).map(lambda more: file + more)
)
schemathesis.openapi.format("binary", files | strategies.binary(max_size=64))


@atexit.register
def write_down():
    rows = [[label, status, count] for (label, status), count in sorted(answers.items())]
    (PLAN.folder / "phases.json").write_text(json.dumps({"answers": rows, "ended": CALLER.ended}))
