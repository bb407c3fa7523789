"""What HTTP asks of every request and answer."""

import pytest

from services.web.conformance import check_host, own_headers
from services.web.problems import HostInvalid


def test_a_request_needs_one_host() -> None:
    check_host([(b"accept", b"*/*"), (b"host", b"example.org:8000")], "1.1")
    for hosts in ([], [b"a", b"a"], [b"a", b"b"]):
        with pytest.raises(HostInvalid):
            check_host([(b"host", host) for host in hosts], "1.1")


def test_a_request_of_http_1_0_may_name_none() -> None:
    check_host([], "1.0")
    with pytest.raises(HostInvalid):
        check_host([(b"host", b"a"), (b"host", b"b")], "1.0")


@pytest.mark.parametrize("host", [b"localhost", b"127.0.0.1:8000", b"[::1]:8000", b"a-b_c.example", b"h:"])
def test_sound_hosts_are_accepted(host: bytes) -> None:
    check_host([(b"host", host)], "1.1")


@pytest.mark.parametrize(
    "host", [b"", b"a b", b"a/b", b"user@a", b"a:80:80", b"a:x", b"a,b", b"http://a", b"[::1", b"\xc3\xa9.fr", b"a\t"]
)
def test_malformed_hosts_are_refused(host: bytes) -> None:
    with pytest.raises(HostInvalid):
        check_host([(b"host", host)], "1.1")


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        (b"http://evil.example/api/v1/classify?evidence=true", b"/api/v1/classify?evidence=true"),
        (b"https://evil.example", b"/"),
        (b"/", b"/"),
        (b"//evil.example/x", b"/x"),
        (b"http://a//evil.example/x", b"/evil.example/x"),
    ],
)
def test_redirects_stay_on_this_server(location: bytes, sent: bytes) -> None:
    assert (b"location", sent) in own_headers([(b"location", location)])


def test_answers_are_not_stored_unless_they_say_so() -> None:
    assert own_headers([(b"a", b"b")]) == [(b"a", b"b"), (b"cache-control", b"no-store")]
    assert own_headers([(b"cache-control", b"no-cache")]) == [(b"cache-control", b"no-cache")]
