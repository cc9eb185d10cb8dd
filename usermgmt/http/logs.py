"""One JSON object per line of log."""

import json
import logging
from datetime import UTC, datetime
from functools import lru_cache

from usermgmt.origin import current

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode  # `json.dumps` makes one of its own for each line


@lru_cache(maxsize=1)
def _second(since_1970: int) -> str:
    """RFC 3339, up to the second; most lines are of the same one as the line before."""
    return datetime.fromtimestamp(since_1970, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class JSONFormatter(logging.Formatter):
    """time, level, logger, message, request_id (empty outside of requests), the record's `fields`, an error's trace."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": current().request_id,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return _encode(line)
