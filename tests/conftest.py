"""Every run that a test makes is checked against every law, whoever makes it and however."""

from tests.lawful import check_every_run

# Not in a fixture: a module that imports ``execute`` by name keeps what it got at its import.
check_every_run()
