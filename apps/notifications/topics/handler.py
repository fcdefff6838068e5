"""What a topic is given to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Handler = Callable[[Mapping[str, Any], datetime], set[int]]
