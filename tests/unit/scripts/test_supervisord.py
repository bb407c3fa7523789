"""What launch.sh's supervisor is told about all programs alike."""

import configparser

from tests.support.repository import ROOT


def test_the_logs_of_all_programs_are_bounded() -> None:
    configuration = configparser.RawConfigParser(inline_comment_prefixes=(" ;",))
    configuration.read(ROOT / "scripts" / "supervisord.conf", encoding="utf-8")
    programs = [name for name in configuration.sections() if name.startswith("program:")]
    assert len(programs) >= 4
    for name in programs:
        assert configuration[name]["redirect_stderr"] == "true"
        assert configuration[name]["stdout_logfile_maxbytes"] == "10MB"
        assert configuration[name]["stdout_logfile_backups"] == "5"
