"""The ledger for CI servers: JUnit XML, a file for each feature. Unknown is an error there, never a skip.

What the platform does not promise is skipped there, whatever was seen of it.
"""

from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Property, Skipped, TestCase, TestSuite
from junitparser.junitparser import Properties

from support.ledger.plan import Plan
from support.ledger.rows import Row


def write(folder: Path, plan: Plan, rows: list[Row]) -> None:
    """Writes <capability>.xml into `folder` for every feature that has rows. Raises OSError."""
    folder.mkdir(exist_ok=True)
    for feature in plan["features"]:
        cases = [_case(row) for row in rows if row["capability"] == feature["capability"]]
        if cases:
            suite = TestSuite(feature["title"])
            suite.add_testcases(cases)
            document = JUnitXml()
            document.add_testsuite(suite)
            document.write(str(folder / f"{feature['capability']}.xml"), pretty=True)


def _case(row: Row) -> TestCase:
    case = TestCase(row["name"], row["capability"], row["duration_s"])
    properties = Properties()
    for name in ("id", "tier", "mrr", "saving", "platform"):
        properties.add_property(Property(name, str(row.get(name, ""))))
    case.append(properties)
    if row["verdict"] != "passed":
        kind = {"failed": Failure, "not promised": Skipped}.get(row["verdict"], Error)
        reason = _printable(row["reason"] or "")
        result = kind(reason.partition("\n")[0], row["verdict"])
        result.text = reason
        case.result = [result]
    if row["evidence"]:
        case.system_out = _printable(f"evidence: {row['evidence']}")
    return case


def _printable(text: str) -> str:
    """`text` without the control characters that XML 1.0 does not allow (section 2.2)."""
    return "".join(c if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c != "\ufffe" else "\ufffd" for c in text)
