"""Tables in Markdown, and whether a target is held."""


def row(*values: object) -> str:
    """One line of a table."""
    return "| " + " | ".join(str(value) for value in values) + " |"


def table(names: list[str], rows: list[str]) -> str:
    """A table."""
    return "\n".join([row(*names), row(*["---"] * len(names)), *rows])


def held(text: str, bound: str, value: float, good: bool) -> str:
    """A line of a table of targets."""
    return row(text, bound, f"{value:.2f}", "yes" if good else "no")


def at_most(text: str, value: float, bound: float) -> str:
    """A line of a table of targets."""
    return held(text, f"at most {bound:g}", value, value <= bound)
