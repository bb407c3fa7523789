"""`trainer import-release` and `trainer release`."""

from trainer.cli.console import RESULTS
from trainer.cli.options import Version, load_settings


def import_release() -> None:
    """Registers the released model as champion if the registry has no version of it yet.

    The folder of the release has the model's name. Other models get their first version by training.
    """
    from trainer.release.release import import_release as run

    settings = load_settings()
    if settings.release_dir.name != settings.model_name:
        RESULTS.print(
            f"The release is {settings.release_dir.name} and not {settings.model_name}, so nothing is imported. "
            f"If {settings.model_name} has no version yet, train one: {settings.train_command}"
        )
        return
    version = run(settings)
    if version:
        RESULTS.print(f"The release is version {version} of {settings.model_name} and champion.")
    else:
        RESULTS.print(f"{settings.model_name} has versions already; nothing to do.")


def release(version: Version) -> None:
    """Writes a registered version with its model card to the release directory (VERGER_RELEASE_DIR)."""
    from trainer.release.release import write_release

    settings = load_settings()
    written = write_release(version, settings)
    RESULTS.print(f"{settings.release_dir} now holds version {version}, digest {written.digest[:12]}.")
