"""Every place that takes a text, with every word in turn: in the address, in the query, in the body and in the head."""

import json
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import requests
import schemathesis
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import STREAM_CUT_SHORT_ATTRIBUTE, Response

import checks
from document import Document, is_nothing, put
from words import HEADERS, OTHER_THAN_TEXT, RAW, WORDS

# Half of a character, which JSON can write and no text can hold.
HALF = "a\ud800"
# What a wrong value is answered with at the very least.
REFUSED = range(400, 500)
# Of a kind of failure, so many are shown.
SHOWN = 3


class Enumeration:
    """Puts the words everywhere, and judges the answers."""

    def __init__(self, plan, client, caller, ids):
        self.plan, self.client, self.caller, self.ids = plan, client, caller, ids
        document = json.loads(Path(plan.document).read_text())
        self.document = Document(document)
        self.schema = schemathesis.openapi.from_dict(document)
        self.answers, self.failures, self.kinds = Counter(), [], Counter()
        load_all_checks()
        # Who calls is decided here, and what is right by its form may be wrong by what it says.
        self.excluded = CHECKS.get_by_names(["ignored_auth", "positive_data_acceptance"])

    def run(self):
        for label, operation in self.document.known.items():
            if self.plan.only and label not in self.plan.only:
                continue
            target = Target(self, label, operation)
            target.send("nothing wrong", None)
            for parameter in operation.get("parameters", []):
                self.parameter(target, parameter)
            self.body(target)
            self.head(target)

    def some(self, words, number):
        """All of them, or so many as the plan has time for."""
        return words if self.plan.whole else self.plan.random.sample(words, min(number, len(words)))

    def head(self, target):
        """The heads of all operations are read by the same code, so that some words are enough for each."""
        # A line that ends within a header is another header, by every rule of HTTP.
        words = [word for word in WORDS if "\n" not in word]
        for name in self.plan.random.sample(HEADERS, len(HEADERS) if self.plan.whole else 2):
            for word in self.plan.random.sample(words, 6 if self.plan.whole else 1):
                target.send(f"header {name}", word, head={name: word})

    def parameter(self, target, parameter):
        name, where, schema = parameter["name"], parameter["in"], parameter["schema"]
        fits = self.document.judge(schema)
        for word in self.some(WORDS, self.plan.words):
            if where == "query":
                wrong = not (fits(word) or is_nothing(word))
                target.send(f"query {name}", word, wrong=wrong, query={name: word})
            elif word:
                # Nothing in it is left for the address itself.
                target.send(f"path {name}", word, wrong=not fits(word), raw_part=(name, quote(word, safe="")))
        for raw in self.some(RAW, self.plan.words):
            if where == "query":
                target.send(f"query {name}", raw, raw_query=f"{name}={raw}")
            else:
                target.send(f"path {name}", raw, wrong=True, raw_part=(name, raw))

    def body(self, target):
        media_type, schema = self.document.body(target.operation)
        if schema is None or media_type.startswith("image/"):
            return
        is_form = media_type == "multipart/form-data"
        for at, place, _ in self.document.places(schema):
            if place.get("format") == "binary":
                continue
            body = self.right(schema, at, is_form)
            fits = self.document.judge(place)
            free = "object" in self.document.types(place)
            others = [] if is_form else [*OTHER_THAN_TEXT, HALF]
            words = self.some(WORDS, self.plan.words) + self.some(others, 1 + self.plan.words // 2)
            name = "body " + "/".join(map(str, at))
            for word in words:
                if free and isinstance(word, str):
                    target.send(name, word, body=put(body, at, {"a": word, "b": [{"c": word}]}))
                    if word != HALF:
                        target.send(name, word, body=put(body, at, {word: "a"}))
                    continue
                # A form has only texts; what a field may be besides `null` stands in its alternatives.
                # Numbers and truths may stand in quotation marks, as programs of NeoPro 1 write them.
                wrong = not (fits(word) or is_nothing(word))
                target.send(name, word, wrong=wrong, body=put(body, at, word))

    def right(self, schema, at, is_form):
        body = self.document.right(schema, self.ids, also=at)
        if is_form:
            file = Path(self.plan.picture).read_bytes() + str(self.plan.random.random()).encode()
            for name, place in self.document.fields(self.document.follow(schema)[0]).items():
                if place.get("format") == "binary":
                    body[name] = file
                elif place.get("items", {}).get("format") == "binary":
                    body[name] = [file]
        return body

    def note(self, label, place, word, error):
        kind = (label, type(error).__name__, str(error).split("\n", 1)[0])
        self.kinds[kind] += 1
        if self.kinds[kind] <= SHOWN and len(self.failures) < 200:
            self.failures.append(f"{label}, {place} = {shown(word)}\n{error}")


class Target:
    """An operation under attack."""

    def __init__(self, attack, label, operation):
        self.attack, self.label, self.operation = attack, label, operation
        self.method, self.path = label.split(" ")
        self.known = attack.schema[self.path][self.method]

    def case(self, query, body):
        attack = self.attack
        right = {
            parameter["name"]: attack.document.right(parameter["schema"], attack.ids)
            for parameter in self.operation.get("parameters", [])
            if parameter.get("required")
        }
        where = {parameter["name"]: parameter["in"] for parameter in self.operation.get("parameters", [])}
        pair = attack.ids.command()
        if "command_id" in right and pair:
            right["id"], right["command_id"] = pair
        parts = {name: value for name, value in right.items() if where[name] == "path"}
        query = {name: value for name, value in right.items() if where[name] == "query"} | query
        headers = {"X-Forwarded-For": attack.client.address()}
        if attack.caller.token:
            headers["Authorization"] = f"Bearer {attack.caller.token}"
        media_type, schema = attack.document.body(self.operation)
        further = {}
        if schema is not None and not media_type.startswith("image/"):
            if body is None:
                body = attack.right(schema, (), media_type == "multipart/form-data")
            further = {"body": body, "media_type": media_type}
        return self.known.Case(path_parameters=parts, query=query, headers=headers, **further)

    def send(self, place, word, wrong=False, query=None, body=None, head=None, raw_part=None, raw_query=None):
        """Sends a word to a place; `wrong` if the description says that it is not accepted there."""
        attack = self.attack
        case = self.case(query or {}, body)
        try:
            if head or raw_part or raw_query:
                response = self.bytewise(case, head, raw_part, raw_query)
            else:
                response = case.call(base_url=attack.plan.base, session=attack.client.session, timeout=30)
        except requests.RequestException as error:
            attack.note(self.label, place, word, error)
            return
        status = response.status_code
        attack.answers[self.label, status] += 1
        attack.caller.heard(status, self.label)
        if self.method == "DELETE" and status < 300:
            attack.ids.gone()
        if checks.was_no_http(response):
            return
        for name in head or {}:
            # What was no text is shown as one, should it be shown.
            response.request.headers[name] = shown(word)
        try:
            case.validate_response(response, excluded_checks=attack.excluded)
            assert not wrong or status in REFUSED, f"what does not fit its schema was accepted with {status}"
        except FailureGroup as failures:
            kept = [failure for failure in failures.exceptions if not checks.is_no_fault(attack.document, failure, case, response)]
            if kept:
                attack.note(self.label, place, word, failures)
        except AssertionError as error:
            attack.note(self.label, place, word, error)

    def bytewise(self, case, head, raw_part, raw_query):
        """Sends what a client would write differently: parts of an address and headers, byte for byte."""
        attack = self.attack
        wanted = case.as_transport_kwargs(base_url=attack.plan.base)
        prepared = attack.client.session.prepare_request(requests.Request(**wanted))
        for name, value in (head or {}).items():
            prepared.headers[name] = value.encode("utf-8", "surrogatepass")
        if raw_part:
            name, raw = raw_part
            path = self.path.replace(f"{{{name}}}", raw)
            for other, value in case.path_parameters.items():
                path = path.replace(f"{{{other}}}", str(value))
            prepared.url = attack.plan.base + path
        if raw_query:
            prepared.url += ("&" if "?" in prepared.url else "?") + raw_query
        try:
            answer = attack.client.session.send(prepared, timeout=30, stream=True)
        except requests.ConnectionError:
            # Who is refused before his body was read is on a connection that ends: once more, on one of its own.
            answer = attack.client.session.send(prepared, timeout=30, stream=True)
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            # It has no end: its first words are enough.
            answer._content, answer._content_consumed = next(answer.iter_content(65_536), b""), True
            answer.close()
            setattr(answer, STREAM_CUT_SHORT_ATTRIBUTE, True)
        return Response.from_requests(answer, verify=False)


def shown(word):
    text = ascii(word)
    return text if len(text) < 80 else f"{text[:80]}… ({len(text)} characters)"
