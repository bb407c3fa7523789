"""Names of what systems and network drives put beside people's pictures."""

_LITTER = frozenset(
    {
        "__macosx",  # zip archives made on macOS
        "icon\r",
        "@eadir",  # thumbnails, snapshots and bins of network drives (Synology, QNAP)
        "@__thumb",
        "@tmp",
        "@recycle",
        "@recently-snapshot",
        "#recycle",
        "#snapshot",
        "$recycle.bin",  # Windows
        "system volume information",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "lost+found",
        "__pycache__",
    }
)
"""Lower-case names of files and folders that hold no pictures of their owner."""


def is_litter(name: str) -> bool:
    """Returns whether a file or folder of this name holds no picture of its owner; a leading dot says so, too."""
    return name.startswith(".") or name.lower() in _LITTER
