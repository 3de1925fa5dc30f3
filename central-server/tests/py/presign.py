"""Prints what `storage/s3/sign.rs` compares itself with: addresses that botocore signs, as rows of Rust.

python3 -m pip install botocore==1.43.11 && python3 central-server/tests/py/presign.py
"""

import datetime

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
import botocore.auth

MOMENT = datetime.datetime(2026, 1, 25, 18, 20, 0)
# Where botocore reads the time differs by its version.
botocore.auth.get_current_datetime = lambda *_, **__: MOMENT
CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
BASE = "https://s3.example.net:9000/neopro-videos"
WISHES = [
    ("PUT", "videos/uploads/0123456789abcdef0123456789abcdef.mp4", [], 52428801, 7200),
    ("GET", "videos/uploads/0123456789abcdef0123456789abcdef.mp4", [], None, 60),
    ("HEAD", "videos/uploads/a b+c~d_é.mp4", [], None, 60),
    ("DELETE", "software-updates/uploads/x.png", [], None, 60),
    ("GET", "", [("list-type", "2"), ("prefix", "videos/uploads/"), ("continuation-token", "a/b+c=="), ("max-keys", "1000")], None, 60),
]
KEPT = "-_.~/"


def encoded(text):
    from urllib.parse import quote

    return quote(text, safe=KEPT)


for method, key, query, length, seconds in WISHES:
    address = BASE + ("/" + encoded(key) if key else "")
    headers = {"Content-Length": str(length)} if length is not None else {}
    request = AWSRequest(method=method, url=address, params=dict(query), headers=headers)
    S3SigV4QueryAuth(CREDENTIALS, "s3", "gra", expires=seconds).add_auth(request)
    path, _, rest = request.url.partition("?")
    rest = "&".join(sorted(rest.split("&")))
    pairs = ", ".join(f'("{name}", "{value}")' for name, value in query)
    told = f"Some({length})" if length is not None else "None"
    print(f'        ("{method}", "{key}", &[{pairs}], {told}, {seconds},\n         "{path}?{rest}"),')
