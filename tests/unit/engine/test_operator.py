"""Who runs a command."""

import pwd
from types import SimpleNamespace

import pytest

from engine.operator import operator_name


@pytest.mark.parametrize(
    ("operator", "user", "has_name", "expected"),
    [
        ("anna", "bob", True, "anna"),
        ("anna", "bob", False, "anna"),
        (" an\nna\x1b ", "", True, "anna"),
        ("", "bob", True, "carol"),
        ("", "bob", False, "bob"),
        ("", "", False, "user 10001"),
        ("a" * 300, "", True, "a" * 100),
    ],
)
def test_the_operator_has_the_name_that_says_most(
    monkeypatch: pytest.MonkeyPatch, operator: str, user: str, has_name: bool, expected: str
) -> None:
    names = {10001: SimpleNamespace(pw_name="carol")} if has_name else {}
    monkeypatch.setattr("os.getuid", lambda: 10001)
    monkeypatch.setattr(pwd, "getpwuid", names.__getitem__)
    monkeypatch.setenv("VERGER_OPERATOR", operator)
    monkeypatch.setenv("USER", user)
    assert operator_name() == expected
