"""The addresses that the client takes."""

import pytest
from verger_client.address import parse_address


@pytest.mark.parametrize(
    ("text", "is_grpc", "is_secure", "target"),
    [
        ("localhost:50051", True, False, "localhost:50051"),
        ("grpc://10.0.0.7:50051", True, False, "10.0.0.7:50051"),
        ("grpcs://fruits.example:443", True, True, "fruits.example:443"),
        ("[::1]:50051", True, False, "[::1]:50051"),
        ("http://localhost:8000/", False, False, "http://localhost:8000"),
        ("https://fruits.example", False, True, "https://fruits.example"),
    ],
)
def test_the_scheme_says_which_protocol_is_spoken(text: str, is_grpc: bool, is_secure: bool, target: str) -> None:
    address = parse_address(text)
    assert (address.is_grpc, address.is_secure, address.target) == (is_grpc, is_secure, target)


@pytest.mark.parametrize("text", ["", "localhost", "ftp://localhost:21", "http://", "https://fruits.example/api/v1"])
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no address\. Give|lacks a port"):
        parse_address(text)
