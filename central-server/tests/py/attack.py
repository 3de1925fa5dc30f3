"""Attacks a running server of NeoPro with what its own description lets one make up, and with words that mean harm.

`attack.py PLAN` does what the plan says, writes `summary.json` beside it, and ends with 1 if anything was found.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import checks
from document import Document, operations
from enumeration import Enumeration
from people import Caller, Client, Ids, Plan
from words import WORDS

# How often the engine puts a word where a text may stand.
OFTEN = 0.3


def configuration(plan):
    """What schemathesis is to do, as its own configuration file says it."""
    document = json.loads(Path(plan.document).read_text())
    known = Document(document)
    words = [word for word in WORDS if len(word) < 5_000]
    lines = [
        f"seed = {plan.seed}",
        *([f"max-time = {plan.seconds}"] if plan.seconds else []),
        f"base-url = {text(plan.base)}",
        f"hooks = {text(str(Path(__file__).with_name('hooks.py')))}",
        "request-timeout = 30",
        "max-stream-events = 1",
        "continue-on-failure = true",
        "warnings = false",
        "[cache]",
        "enabled = false",
        "[dictionaries.words]",
        f"values = [{', '.join(text(word) for word in words)}]",
        "[generation]",
        'mode = "all"',
        f"max-examples = {plan.examples}",
        "no-shrink = true",
        'database = "none"',
        f"dictionaries.string = {{ dictionary = \"words\", probability = {OFTEN} }}",
        "[checks]",
        # What is right by its form may be wrong by what it says: an order without a target, a name that is taken.
        "positive_data_acceptance.enabled = false",
        "[phases]",
        f"examples.enabled = {flag('examples' in plan.phases)}",
        f"coverage.enabled = {flag('coverage' in plan.phases)}",
        f"fuzzing.enabled = {flag('fuzzing' in plan.phases)}",
        f"stateful.enabled = {flag('stateful' in plan.phases)}",
    ]
    for method, path, operation in operations(document):
        media_type, schema = known.body(operation)
        places = known.places(schema) if media_type == "application/json" else ()
        texts = ["body." + ".".join(map(str, at)).replace(".0", "[*]") for at, place, _ in places if is_text(known, place)]
        if texts:
            lines += ["[[operations]]", f"include-operation-id = {text(operation['operationId'])}", "[operations.parameters]"]
            lines += [f"{text(place)} = {{ dictionary = \"words\", probability = {OFTEN} }}" for place in dict.fromkeys(texts)]
    return "\n".join(lines) + "\n"


def is_text(known, place):
    return "string" in known.types(place) and "enum" not in place


def text(value):
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def flag(value):
    return "true" if value else "false"


def phases(plan):
    """Lets schemathesis make requests up: whether it found nothing, and what was answered."""
    settings = plan.folder / "schemathesis.toml"
    settings.write_text(configuration(plan))
    program = Path(sys.executable).with_name("schemathesis")
    line = [program, "--config-file", settings, "run", plan.document, "--no-color"]
    by_label = {f"{method} {path}": operation["operationId"] for method, path, operation in operations(json.loads(Path(plan.document).read_text()))}
    for label in plan.made_up or []:
        line += ["--include-operation-id", by_label[label]]
    environment = os.environ | {"NEOPRO_ATTACK_PLAN": str(plan.folder / "plan.json"), "PYTHONPATH": str(Path(__file__).parent)}
    log = plan.folder / "phases.log"
    with log.open("w") as out:
        code = subprocess.run(line, env=environment, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
    written = json.loads((plan.folder / "phases.json").read_text())
    return [] if code == 0 else [log.read_text()], written


def main():
    plan = Plan(sys.argv[1])
    failures, answers, ended = [], Counter(), {}
    began = time.monotonic()
    if plan.phases:
        found, written = phases(plan)
        failures += found
        answers.update({(label, status): count for label, status, count in written["answers"]})
        ended = written["ended"]
    made_up, between = sum(answers.values()), time.monotonic()
    if plan.words:
        checks.install(plan)
        client = Client(plan)
        caller = Caller(plan, client)
        enumeration = Enumeration(plan, client, caller, Ids(plan, client, caller))
        enumeration.run()
        failures += enumeration.failures
        answers.update(enumeration.answers)
        ended = {**ended, **caller.ended}
    summary = {
        "made_up": made_up,
        "words": sum(answers.values()) - made_up,
        "seconds": [round(between - began, 1), round(time.monotonic() - between, 1)],
        "answers": [[label, status, count] for (label, status), count in sorted(answers.items())],
        "ended": ended,
        "failures": failures,
    }
    (plan.folder / "summary.json").write_text(json.dumps(summary))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
