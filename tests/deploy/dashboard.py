"""Asks a Prometheus every query of the dashboard: dashboard.py DASHBOARD URL.

All are to be understood; all but those that may find nothing are to have an answer; and each metric that is asked for is to be
one of metrics.yaml, of the rules, or of those that workers say of themselves.
"""

import json
import pathlib
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

# What workers say of themselves, with the suffixes of a histogram.
OF_WORKERS = {
    "certferry_certificates_total", "certferry_batch_duration_seconds", "certferry_step_duration_seconds",
    "certferry_attempts_total", "certferry_late_results_total", "certferry_rescued_jobs_total", "certferry_lease_age_seconds",
    "certferry_pool_renewals_total", "certferry_pool_connections", "certferry_database_up",
    "certferry_database_latency_seconds", "certferry_batch_bytes", "certferry_batches_in_flight", "certferry_build_info",
}


def metrics_from_sql(path):
    """The names of metrics.yaml: that of a query with that of each of its columns."""
    query = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"(\w+):$", line):
            query = found[1]
        elif found := re.match(r"    - (\w+): \{usage: (?:GAUGE|COUNTER)", line):
            yield f"{query}_{found[1]}"


def ask(url, query):
    address = f"{url}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        sys.exit(f"failed: {query}: {json.load(error)['error']}")


def main(dashboard, url):
    deploy = pathlib.Path(dashboard).resolve().parents[1]
    from_sql = set(metrics_from_sql(deploy / "postgres/metrics.yaml"))
    targets = [target for panel in json.loads(pathlib.Path(dashboard).read_text(encoding="utf-8"))["panels"]
               for target in panel.get("targets", [])]
    answered = 0
    for expression in (target["expr"] for target in targets):
        names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bcertferry_\w+", expression)}
        if unknown := names - from_sql - OF_WORKERS:
            sys.exit(f"failed: the dashboard asks for {unknown}, which nobody says: {expression}")
        results = ask(url, expression)
        answered += bool(results)
        # There may be nothing failed, and nothing finished within the minute.
        if not results and "failures" not in expression and "> 0" not in expression:
            sys.exit(f"failed: the dashboard has no answer to {expression}")
    print(f"{len(targets)} queries of the dashboard, {answered} of them with an answer")


main(*sys.argv[1:])
