"""What is put into every text: words that mean something to a program behind the server, or to none at all."""

# A header that no answer may have: some words try to write it into one.
INJECTED = "x-injected"

# What a statement, a shell, a template, a page, a file system or a log might take for its own.
MEANINGFUL = [
    "'; drop table sites; --",
    "' or '1'='1",
    "\" or 1=1 --",
    "') union select version() --",
    "1; select pg_sleep(9)",
    "$$; select 1; $$",
    "%' and 1=1 and '%'='",
    "_%_%_%",
    "\\' or 1=1 --",
    "{{7*7}}${7*7}<%= 7*7 %>#{7*7}",
    "${jndi:ldap://127.0.0.1/a}",
    "$(touch /tmp/neopro-attack)`id`|id;id&&id",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "../../../../etc/passwd",
    "..\\..\\..\\windows\\win.ini",
    "/etc/passwd",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "a\r\n" + INJECTED + ": 1\r\n\r\n<html>",
    "=cmd|' /C calc'!A0",
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "*)(uid=*))(|(uid=*",
    "%00",
    "%0d%0a" + INJECTED + ":%201",
    "%n%n%s%s",
]

# What is no text for one program and is one for another.
STRANGE = [
    "",
    " ",
    "\t\n",
    "a\x00b",
    "\x1b[31mred\x1b]0;x\x07",
    "\u202egnp.exe",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
    "\ufeffa\u200b\u2060b",
    "e\u0301\u0302\u0303" * 20,
    "\u0130\u0131\u017f\u1e9e\ufb00",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "\ufffe\uffff\U0010ffff",
    "\u2028\u2029\x85",
    "null",
    "undefined",
    "true",
    "NaN",
    "-1",
    "0",
    "1e999",
    "-9223372036854775809",
    "9223372036854775808",
    "340282366920938463463374607431768211456",
    "0x7fffffff",
    "1" * 400,
    "2026-02-30T25:61:61Z",
    "292277026597-01-01T00:00:00Z",
    "-4713-11-24T00:00:00Z",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "a@b@c.fr",
    "x" * 256,
    "x" * 70_000,
]

WORDS = MEANINGFUL + STRANGE

# Parts of an address that are sent byte for byte: not UTF-8, not one part, or written strangely.
RAW = [
    "%ff",
    "%c3%28",
    "%ed%a0%80",
    "%f8%88%80%80%80",
    "%00",
    "%0d%0a" + INJECTED + ":%201",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%2f..",
    "%252e%252e%252f",
    "%",
    "%zz",
    "%u0041",
    "a%2fb",
    "a;b=c",
    "a+b",
    "*",
    "%E2%80%AE",
    "x" * 4_000,
]

# Values in the place of a text that are none.
OTHER_THAN_TEXT = [
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    2**63,
    -(2**63) - 1,
    2**128,
    [],
    {},
    ["x"],
    [["x"]],
    {"$ne": None},
    {"a": {"b": {"c": {}}}},
]

# Headers that the server or something before it looks at.
HEADERS = [
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Cookie",
    "If-None-Match",
    "Origin",
    "Range",
    "Referer",
    "User-Agent",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Request-Id",
]
