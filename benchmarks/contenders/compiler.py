"""Which C++ compiler there is."""

import os

COMPILER = os.environ.get("CXX") or "g++"
