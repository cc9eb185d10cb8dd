"""One JSON object per line of log."""

import json
import logging
from datetime import UTC, datetime

from usermgmt.origin import current

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode  # `json.dumps` makes one of its own for each line


class JSONFormatter(logging.Formatter):
    """time, level, logger, message, request_id (empty outside of requests), the record's `fields`, an error's trace."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": current().request_id,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return _encode(line)
