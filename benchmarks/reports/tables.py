"""Writes Markdown tables, and says whether targets are met."""


def row(*values: object) -> str:
    """Returns one row of a table."""
    return "| " + " | ".join(str(value) for value in values) + " |"


def table(names: list[str], rows: list[str]) -> str:
    """Returns a table with its header."""
    return "\n".join([row(*names), row(*["---"] * len(names)), *rows])


def target(text: str, bound: str, value: float, is_met: bool) -> str:
    """Returns one row of a table of targets."""
    return row(text, bound, f"{value:.2f}", "yes" if is_met else "no")


def at_most(text: str, value: float, bound: float) -> str:
    """Returns one row for a value that has an upper bound."""
    return target(text, f"at most {bound:g}", value, value <= bound)
