"""What this machine lacks."""

import sys


def doctor(fix: bool = False, brief: bool = False) -> None:
    """Say what this machine lacks, and how to get it.

    Args:
        fix: Install the missing OpenGL packages through apt, where one may (root on Debian or Ubuntu).
        brief: Only say what is wrong with driving.
    """
    from xiaolu.doctor import examine, install_gl

    findings = examine()
    if fix and any(f.what == "OpenGL" and not f.good for f in findings) and install_gl():
        findings = examine()
    for finding in findings:
        if brief and (finding.good or "optional" in finding.needed_for):
            continue
        mark = "ok  " if finding.good else "lack"
        print(f"{mark} {finding.what:12} {finding.found}" + (f"  ({finding.needed_for})" if not finding.good else ""))
        if finding.remedy:
            print(f"     {finding.remedy}")
    if any(not f.good and "optional" not in f.needed_for for f in findings):
        sys.exit(1)
