"""What must hold of every answer, beside what schemathesis looks at: who asked, whose words are in it, and how it is said."""

import re

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData

from words import INJECTED

# So long an address is for HTTP itself too long; ours are far shorter.
LONGEST = 65_000

# What no answer may say: secrets, and the words of the programs behind the server.
NEVER_SAID = re.compile(
    r"sha256:|\$argon2|\$2[aby]\$|password_hash|mfa_secret|panicked at|syntax error at or near|relation \"|SQLSTATE"
    r"|stack backtrace|root:x:0:0"
)


def install(plan):
    """Registers the checks for a caller."""
    forbidden = set(plan.forbidden)
    foreign = [word.lower() for word in plan.foreign]

    @schemathesis.check
    def keeps_out(context, response, case):
        """Who has no right to an act never succeeds in it."""
        label = f"{case.method} {case.path}"
        assert not (label in forbidden and response.status_code < 400), f"{plan.caller} succeeded in {label}"

    @schemathesis.check
    def keeps_tenants_apart(context, response, case):
        """No answer holds a word of another tenant."""
        said = response.content.decode("utf-8", "replace").lower() if foreign else ""
        found = next((word for word in foreign if word in said), None)
        assert found is None, f"{plan.caller} reads {found}"

    @schemathesis.check
    def keeps_secrets(context, response, case):
        """No secret, and nothing of what goes on inside."""
        found = NEVER_SAID.search(response.content.decode("utf-8", "replace"))
        # What was sent may come back as it was, where it is a name or a note.
        sent = response.request.body or b""
        sent = (sent if isinstance(sent, bytes) else str(sent).encode()) + response.request.url.encode()
        assert found is None or found.group().encode() in sent, f"the answer says {found.group()}"

    @schemathesis.check
    def writes_its_own_head(context, response, case):
        """No word that was sent becomes a header, and every answer has those that guard browsers."""
        assert INJECTED not in response.headers, "a word became a header"
        assert response.headers.get("x-content-type-options") == ["nosniff"], "nosniff is missing"
        assert response.headers.get("content-security-policy"), "the content security policy is missing"

    @schemathesis.check
    def names_its_failures(context, response, case):
        """A failure says in a sentence what it is, and under which number the server's log has it."""
        if response.status_code < 400 or response.request.method == "HEAD":
            return
        try:
            body = response.json()
        except ValueError as error:
            raise AssertionError(f"a failure that is no JSON: {error}") from error
        if "checks" in body:
            return  # `/health?strict=1` and `/ready` report instead
        assert body["request_id"] == response.headers["x-request-id"][0], "the request has two numbers"
        assert body["error"].endswith(".") and len(body["error"]) > 10, f"no sentence: {body['error']}"


def was_no_http(response):
    """Whether a request was none, so that HTTP itself has refused it before any of our code: a header of control
    characters, or an address of more bytes than 16 bits can count."""
    head = [value if isinstance(value, bytes) else str(value).encode("utf-8", "replace") for value in response.request.headers.values()]
    is_bare = not response.content and "x-request-id" not in response.headers
    is_bad = any(byte == 127 or (byte < 32 and byte != 9) for value in head for byte in value)
    is_long = len(response.request.url) > LONGEST
    return is_bare and ((response.status_code == 400 and is_bad) or (response.status_code == 414 and is_long))


def is_no_fault(known, failure, case, response):
    """What is right all the same: HTTP's own refusal; what is accepted as absent, as the description says; and the one
    answer above 499 that is, of a command that is not to wait for a box that is not there."""
    if was_no_http(response):
        return True
    if isinstance(failure, AcceptedNegativeData):
        return known.accepts(case.operation.label, case.path_parameters, case.query, case.body)
    is_command = case.operation.label == "POST /api/sites/{id}/command" and response.status_code == 503
    return is_command and response.json()["code"] == "not_connected"
