"""Every run has a PostgreSQL of its own; tests connect as the application's role, which cannot rewrite history."""

import os
from collections.abc import Iterator
from pathlib import Path

import django
import pytest

from tests import cluster

# Settings are read once: the run's own database and data directory must be named before.
cluster.announce()
os.environ["DJANGO_SETTINGS_MODULE"] = "bihuan.settings"
django.setup()
# xdist's workers inherit our environment; with this name in it, pytest-django would read the settings before we get here.
del os.environ["DJANGO_SETTINGS_MODULE"]

pytest_plugins = ["tests.world", "tests.regions"]

ON_EITHER_SERVER = ("tests/book/", "tests/api/test_public.py")
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
CALM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
CALM += ["--disable-component-update", "--disable-sync"]


def pytest_unconfigure() -> None:
    cluster.end()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Some folders run against a named server too; what opens a browser is a browser test."""
    for item in items:
        if any(folder in item.nodeid for folder in ON_EITHER_SERVER):
            item.add_marker("either_server")
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    # A driven browser leaves an event loop running in its thread, where others could start none: they all come first.
    # Files with slow tests begin, so that no worker is left with one of them when the other has finished.
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.get_closest_marker("browser") is not None, item.path not in slow))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where CI is set, a browser test that was skipped is a failure: nobody reads the list of skips there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    unseen = [report.nodeid for report in skipped if "browser" in getattr(report, "keywords", {})]
    if unseen and os.environ.get("CI"):
        reporter.write_line(
            f"{len(unseen)} browser tests were skipped, and CI is set: {', '.join(unseen[:5])} ...", red=True
        )
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: object) -> Iterator[None]:
    """A database copied from the migrated template, in place of Django's own test database."""
    from django.db import connections

    cluster.make_database()
    yield
    connections.close_all()
    cluster.drop_database()


@pytest.fixture(autouse=True, scope="session")
def _tables_are_emptied_by_the_owner() -> None:
    """Tests that commit are cleaned by the owner: the application's role may not."""
    from django.test import TransactionTestCase

    TransactionTestCase._fixture_teardown = lambda self: cluster.empty_tables()


@pytest.fixture(autouse=True)
def _nothing_of_the_net_kept_from_another_test() -> Iterator[None]:
    """Tests roll their units back; what a process keeps in memory of them must go too."""
    from bihuan.net import revisions

    revisions.forget()
    yield
    revisions.forget()


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Debian's chromium, driven by playwright: `browser.new_context()` gives each role a window of its own."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = next((path for path in CHROMIUM if Path(path).exists()), None)
    if program is None:
        pytest.skip("no chromium on this machine: install the package `chromium` to run the browser tests")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright's loop makes Django think this thread is asynchronous
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=CALM)
        yield opened
        opened.close()
