"""Certificates that Verger makes for itself and renews."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from scripts import certificates
from scripts.certificates import DAYS, HOSTS, NAMES, RENEWED_DAYS, renew
from services.common.process.tls import Pair
from tests.support.servers.certificates import Certificates

NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tls"


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return tmp_path / "authority"


def handshake(folder: Path, server: str, client: str, host: str) -> None:
    """Connects with certificates on both sides, in memory."""
    serving = Pair.named(folder, server).context()
    serving.load_verify_locations(folder / "ca.pem")
    serving.verify_mode = ssl.CERT_REQUIRED
    calling = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    calling.load_cert_chain(*Pair.named(folder, client))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        calling.wrap_bio(to_client, to_server, server_hostname=host),
        serving.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


@pytest.mark.parametrize("host", [*HOSTS, "fruits.example"])
def test_certificates_are_trusted_on_both_sides_under_each_name(folder: Path, authority: Path, host: str) -> None:
    assert renew(folder, authority, [*HOSTS, "fruits.example"], NOW) == list(NAMES)
    for name in NAMES:
        handshake(folder, name, "grpc", host)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(folder, "page", "grpc", "elsewhere.example")


def test_the_owner_alone_reads_what_is_made_and_the_key_of_the_authority_is_apart(
    folder: Path, authority: Path
) -> None:
    renew(folder, authority, HOSTS, NOW)
    assert sorted(file.name for file in folder.iterdir()) == ["ca.pem", "grpc.key", "grpc.pem", "page.key", "page.pem"]
    for path in (folder, authority, *folder.iterdir(), *authority.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_certificate_is_renewed_before_it_expires_and_not_earlier(folder: Path, authority: Path) -> None:
    renew(folder, authority, HOSTS, NOW)
    before = (folder / "ca.pem").read_bytes()
    assert renew(folder, authority, HOSTS, NOW + timedelta(days=DAYS - RENEWED_DAYS - 1)) == []
    assert renew(folder, authority, HOSTS, NOW + timedelta(days=DAYS - RENEWED_DAYS + 1)) == list(NAMES)
    assert (folder / "ca.pem").read_bytes() == before


def test_a_new_name_makes_new_certificates(folder: Path, authority: Path) -> None:
    renew(folder, authority, HOSTS, NOW)
    assert renew(folder, authority, [*HOSTS, "192.0.2.1"], NOW) == list(NAMES)
    assert renew(folder, authority, [*HOSTS, "192.0.2.1"], NOW) == []


def test_certificates_of_somebody_else_are_left_alone(folder: Path, authority: Path) -> None:
    folder.mkdir()
    own = Certificates(folder)
    page, _ = own.issue("page", "fruits.example")
    given = page.read_bytes()
    own.ca.unlink()  # who buys a certificate for the page has none for the services
    assert renew(folder, authority, HOSTS, NOW + timedelta(days=10_000)) == ["grpc"]
    assert page.read_bytes() == given


def test_they_are_valid_for_a_clock_that_is_slow(folder: Path, authority: Path) -> None:
    renew(folder, authority, HOSTS, NOW)
    made = [x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes()) for name in (*NAMES, "ca")]
    assert all(certificate.not_valid_before_utc < NOW - timedelta(hours=20) for certificate in made)


@pytest.mark.parametrize(("switch", "names"), [("", set()), ("on", {"fruits.example", "192.0.2.1"})])
def test_nothing_is_made_without_the_switch(
    folder: Path, authority: Path, monkeypatch: pytest.MonkeyPatch, switch: str, names: set[str]
) -> None:
    monkeypatch.setenv("VERGER_TLS", switch)
    monkeypatch.setenv("VERGER_TLS_NAMES", " fruits.example, 192.0.2.1,")
    certificates.main(folder, authority, watches=False)
    assert folder.exists() is bool(switch)
    if switch:
        page = x509.load_pem_x509_certificate((folder / "page.pem").read_bytes())
        alternatives = page.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names <= {str(name.value) for name in alternatives}
