"""Every run that a test makes is checked against every law, whoever makes it and however."""

from tests.lawful import check_every_run

# Not in a fixture: a module that imports ``execute`` by name keeps what it got at its import.
check_every_run()


def pytest_collection_modifyitems(items):
    """Look first whether the set-up compiled everything, before another test does what it left."""
    items.sort(key=lambda item: item.path.name != "test_warm.py")
